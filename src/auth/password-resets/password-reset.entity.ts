import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { User } from '../../users/user.entity.js';

/** The lifetime of every link except invitations. */
export const RESET_LIFETIME_MS = 30 * 60_000;

/** `forgotten`: a client requested it; `created`: an admin created it; `invitation`: an admin invited a new user. */
export type PasswordResetPurpose = 'forgotten' | 'created' | 'invitation';

/**
 * A single-use link that sets a password, and its mail, which is due until it is sent. A link without a row is invalid.
 * The row does not contain the token. The server signs the id with a key that is not in the database.
 */
@Entity('password_resets')
export class PasswordReset {
  @PrimaryColumn({ type: String, length: 22, primaryKeyConstraintName: 'pk_password_resets' })
  id!: string;

  @Column({ type: String, length: 10 })
  purpose!: PasswordResetPurpose;

  /** The recipient's canonical address. */
  @Index('ix_password_resets_email')
  @Column({ type: String, length: 254 })
  email!: string;

  /** Null until the mail job looks up the address, which must not happen during the request. */
  @Index('ix_password_resets_user')
  @Column({ name: 'user_id', type: Number, nullable: true })
  userId!: number | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE', nullable: true })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_password_resets_user' })
  user!: User | null;

  /** The admin who created the link. The link is revoked when that user stops being an admin. */
  @Index('ix_password_resets_created_by')
  @Column({ name: 'created_by_id', type: Number, nullable: true })
  createdById!: number | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE', nullable: true })
  @JoinColumn({ name: 'created_by_id', foreignKeyConstraintName: 'fk_password_resets_created_by' })
  createdBy!: User | null;

  /** The key that signs the token. */
  @Column({ name: 'key_id', type: String, length: 20 })
  keyId!: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  @Index('ix_password_resets_expires_at')
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt!: Date;

  /** The time of the next attempt to send; null when the mail was sent or there is none. */
  @Index('ix_password_resets_mail_due_at')
  @Column({ name: 'mail_due_at', type: Date, precision: 3, nullable: true })
  mailDueAt!: Date | null;

  @Column({ name: 'mail_attempts', type: Number, default: 0 })
  mailAttempts!: number;
}
