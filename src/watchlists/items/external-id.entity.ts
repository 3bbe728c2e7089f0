import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ItemType } from './item-fields.js';
import { WatchlistItem } from './item.entity.js';

const PRIMARY_KEY = 'pk_watchlist_item_ids';

/**
 * One id of an item at another service. Its key keeps a list from having the same movie or show twice. The type is part
 * of it, because services number movies and shows separately.
 */
@Entity('watchlist_item_ids')
export class ExternalId {
  @PrimaryColumn({ name: 'user_id', type: Number, primaryKeyConstraintName: PRIMARY_KEY })
  userId!: number;

  @PrimaryColumn({ type: String, length: 10, primaryKeyConstraintName: PRIMARY_KEY })
  type!: ItemType;

  @PrimaryColumn({ type: String, length: 20, primaryKeyConstraintName: PRIMARY_KEY })
  provider!: string;

  @PrimaryColumn({ name: 'external_id', type: String, length: 100, primaryKeyConstraintName: PRIMARY_KEY })
  externalId!: string;

  @Index('ix_watchlist_item_ids_item')
  @Column({ name: 'item_id', type: Number })
  itemId!: number;

  @ManyToOne(() => WatchlistItem, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'item_id', foreignKeyConstraintName: 'fk_watchlist_item_ids_item' })
  item!: WatchlistItem;
}
