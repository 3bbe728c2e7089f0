import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  type ValueTransformer,
} from 'typeorm';
import { User } from '../../users/user.entity.js';
import type { ItemFields, ItemStatus, ItemType } from './item-fields.js';

/** A number with one decimal is stored as whole tenths, which compare and add up exactly. */
const TENTHS: ValueTransformer = {
  to: (value: number | null) => value && Math.round(value * 10),
  from: (tenths: number | null) => tenths && tenths / 10,
};

// One index for each way to filter and sort an owner's list, so that a page of a long list costs no more.
@Entity('watchlist_items')
@Index('ix_watchlist_items_created', ['userId', 'createdAt', 'id'])
@Index('ix_watchlist_items_title', ['userId', 'titleKey', 'id'])
@Index('ix_watchlist_items_type_created', ['userId', 'type', 'createdAt', 'id'])
@Index('ix_watchlist_items_type_title', ['userId', 'type', 'titleKey', 'id'])
export class WatchlistItem implements ItemFields {
  @PrimaryGeneratedColumn({ primaryKeyConstraintName: 'pk_watchlist_items' })
  id!: number;

  @Column({ name: 'user_id', type: Number })
  userId!: number;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_watchlist_items_user' })
  user!: User;

  @Column({ type: String, length: 255 })
  title!: string;

  /** Titles are sorted by this (folded.ts). Both databases compare bytes alike, but text each in its own way. */
  @Column({ name: 'title_key', type: Buffer as never, select: false })
  titleKey!: Buffer;

  /** What a search looks through (item-text.ts). */
  @Column({ name: 'search_text', type: 'text', default: '', select: false })
  searchText!: string;

  /** The keys of the tags, each between commas. */
  @Column({ name: 'tag_keys', type: 'text', default: '', select: false })
  tagKeys!: string;

  @Column({ type: String, length: 10 })
  type!: ItemType;

  @Column({ type: Number, nullable: true })
  year!: number | null;

  @Column({ type: String, length: 10, default: 'planned' })
  status!: ItemStatus;

  @Column({ type: Number, nullable: true, transformer: TENTHS })
  rating!: number | null;

  @Column({ type: 'text', nullable: true })
  notes!: string | null;

  @Column({ type: 'simple-json', default: '[]' })
  tags!: readonly string[];

  /** Unique among the movies or shows of one list, see external-id.entity.ts. */
  @Column({ type: 'simple-json', default: '{}' })
  ids!: ItemFields['ids'];

  @Column({ type: String, length: 2000, nullable: true })
  poster_url!: string | null;

  @Column({ type: Number, nullable: true })
  runtime_minutes!: number | null;

  @Column({ type: String, length: 10, nullable: true })
  release_date!: string | null;

  @Column({ type: 'simple-json', nullable: true })
  progress!: ItemFields['progress'];

  @Column({ type: Date, precision: 3, nullable: true })
  watched_at!: Date | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt!: Date;

  /** The list's version at the item's last change. */
  @Column({ type: Number, default: 0 })
  version!: number;

  /** When the item was moved to the trash; null for an item on the list. */
  @Column({ name: 'deleted_at', type: Date, precision: 3, nullable: true })
  deletedAt!: Date | null;

  /** When the item in the trash will be deleted. */
  @Index('ix_watchlist_items_purge_at')
  @Column({ name: 'purge_at', type: Date, precision: 3, nullable: true })
  purgeAt!: Date | null;

  /** The place of the item in the order of its owner's choice (item-position.ts). */
  @Column({ type: 'text', default: '' })
  position!: string;
}

/** An item without its derived columns and relations. */
export type StoredItem = Omit<WatchlistItem, 'titleKey' | 'searchText' | 'tagKeys' | 'user'>;
