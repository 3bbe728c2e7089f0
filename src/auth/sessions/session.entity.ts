import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { User } from '../../users/user.entity.js';

/**
 * One sign-in, for as long as it lasts: what is not in this table has ended. Nothing here can be presented by whoever
 * reads it; the tokens are made from it and a key that is elsewhere.
 */
@Entity('sessions')
@Index('ix_sessions_user', ['userId', 'lastUsedAt'])
export class Session {
  /** 128 random bits: an id that is used again, in a restored database say, would revive somebody's old tokens. */
  @PrimaryColumn({ type: String, length: 22, primaryKeyConstraintName: 'pk_sessions' })
  id!: string;

  @Column({ name: 'user_id', type: Number })
  userId!: number;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_sessions_user' })
  user!: User;

  /** How often its refresh token has been exchanged for the next; that one's number. */
  @Column({ type: Number, default: 0 })
  generation!: number;

  /** Of the key that its refresh tokens are made with. */
  @Column({ name: 'key_id', type: String, length: 20 })
  keyId!: string;

  /** The client's own words (`User-Agent`). */
  @Column({ type: String, length: 255, nullable: true })
  device!: string | null;

  /** Where it was last used from. */
  @Column({ type: String, length: 45, nullable: true })
  address!: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  /** When it began or its refresh token was last exchanged. */
  @Column({ name: 'last_used_at', type: Date, precision: 3 })
  lastUsedAt!: Date;

  @Index('ix_sessions_expires_at')
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt!: Date;
}
