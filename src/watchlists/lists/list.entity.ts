import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { COUNTED_GROUPS } from './list-counts.js';
import { User } from '../../users/user.entity.js';

/** One owner's list. The first write creates the row; without one the version is 0 and the list is empty. */
@Entity('watchlists')
export class Watchlist {
  @PrimaryColumn({ name: 'user_id', type: Number, primaryKeyConstraintName: 'pk_watchlists' })
  userId!: number;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_watchlists_user' })
  user!: User;

  /** Rises by one in each transaction that changes the list. */
  @Column({ type: Number })
  version!: number;
}

// Counts are kept, because counting a long list takes longer than reading a page of it. See list-counts.ts.
for (const group of COUNTED_GROUPS)
  Column({ name: group, type: Number, default: 0 })(Watchlist.prototype, group);
