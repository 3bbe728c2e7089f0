import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { User } from '../../users/user.entity.js';

export const ITEM_TYPES = ['movie', 'show'] as const;
export type ItemType = (typeof ITEM_TYPES)[number];

// One index for each way in which an owner's list can be filtered and sorted: a page costs the same however long the list.
@Entity('watchlist_items')
@Index('ix_watchlist_items_created', ['userId', 'createdAt', 'id'])
@Index('ix_watchlist_items_title', ['userId', 'titleKey', 'id'])
@Index('ix_watchlist_items_type_created', ['userId', 'type', 'createdAt', 'id'])
@Index('ix_watchlist_items_type_title', ['userId', 'type', 'titleKey', 'id'])
export class WatchlistItem {
  @PrimaryGeneratedColumn({ primaryKeyConstraintName: 'pk_watchlist_items' })
  id!: number;

  @Column({ name: 'user_id', type: Number })
  userId!: number;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_watchlist_items_user' })
  user!: User;

  @Column({ type: String, length: 255 })
  title!: string;

  /** What titles are sorted by (title-key.ts): bytes, because both databases compare bytes alike and text each in its own way. */
  @Column({ name: 'title_key', type: Buffer as never, select: false })
  titleKey!: Buffer;

  @Column({ type: String, length: 10 })
  type!: ItemType;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt!: Date;
}
