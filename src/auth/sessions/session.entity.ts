import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { User } from '../../users/user.entity.js';

/**
 * One sign-in. A session without a row has ended. The row does not contain a token. The server signs tokens with a key
 * that is not in the database.
 */
@Entity('sessions')
@Index('ix_sessions_user', ['userId', 'lastUsedAt'])
export class Session {
  /** 128 random bits, because a reused id, for example in a restored database, would revive old tokens. */
  @PrimaryColumn({ type: String, length: 22, primaryKeyConstraintName: 'pk_sessions' })
  id!: string;

  @Column({ name: 'user_id', type: Number })
  userId!: number;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_sessions_user' })
  user!: User;

  /** The number of refresh tokens that were exchanged, and the number of the current one. */
  @Column({ type: Number, default: 0 })
  generation!: number;

  /** The key that signs the refresh tokens. */
  @Column({ name: 'key_id', type: String, length: 20 })
  keyId!: string;

  /** The client's `User-Agent`. */
  @Column({ type: String, length: 255, nullable: true })
  device!: string | null;

  /** The client address of the sign-in or the last refresh. */
  @Column({ type: String, length: 45, nullable: true })
  address!: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  /** The time of the sign-in or the last refresh. */
  @Column({ name: 'last_used_at', type: Date, precision: 3 })
  lastUsedAt!: Date;

  @Index('ix_sessions_expires_at')
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt!: Date;
}
