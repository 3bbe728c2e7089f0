import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { User } from '../../users/user.entity.js';
import type { CountedGroup } from '../lists/list-counts.js';
import type { ItemFields } from './item-fields.js';

export const ITEM_TYPES = ['movie', 'show'] as const;
export type ItemType = (typeof ITEM_TYPES)[number];

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

  /** Titles are sorted by this (title-key.ts). Both databases compare bytes alike, but text each in its own way. */
  @Column({ name: 'title_key', type: Buffer as never, select: false })
  titleKey!: Buffer;

  @Column({ type: String, length: 10 })
  type!: ItemType;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt!: Date;

  /** The list's version at the item's last change. */
  @Column({ type: Number, default: 0 })
  version!: number;
}

/** An item without its sorting key and relations. */
export type StoredItem = Omit<WatchlistItem, 'titleKey' | 'user'>;

/** The group in which the item's list counts it. */
export const groupOf = ({ type }: Pick<WatchlistItem, 'type'>): CountedGroup => type;
