import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { User } from '../../users/user.entity.js';
import type { Scope } from '../access/scopes.js';

/** A token for a user's scripts. A token without a row is invalid. */
@Entity('personal_tokens')
@Index('uq_personal_tokens_slot', ['userId', 'slot'], { unique: true })
export class PersonalToken {
  @PrimaryGeneratedColumn({ primaryKeyConstraintName: 'pk_personal_tokens' })
  id!: number;

  @Column({ name: 'user_id', type: Number })
  userId!: number;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_personal_tokens_user' })
  user!: User;

  /** The number of this token among its owner's tokens. Rate limits are counted by slot. */
  @Column({ type: Number })
  slot!: number;

  @Column({ type: String, length: 100 })
  name!: string;

  /** SHA-256 is enough, because the token has too many random bits to be guessed. */
  @Index('uq_personal_tokens_hash', { unique: true })
  @Column({ type: String, length: 43 })
  hash!: string;

  @Column({ type: 'simple-array' })
  scopes!: Scope[];

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  /** Null for a token that is valid until it is revoked. */
  @Column({ name: 'expires_at', type: Date, precision: 3, nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'last_used_at', type: Date, precision: 3, nullable: true })
  lastUsedAt!: Date | null;

  @Column({ name: 'last_address', type: String, length: 45, nullable: true })
  lastAddress!: string | null;
}
