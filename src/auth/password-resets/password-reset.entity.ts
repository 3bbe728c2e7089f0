import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { User } from '../../users/user.entity.js';

/** How long a link is good that is not an invitation. */
export const RESET_LIFETIME_MS = 30 * 60_000;

/** `forgotten`: somebody asked for it, with an address; `created`: by an admin; `invitation`: of somebody new, by an admin. */
export type PasswordResetPurpose = 'forgotten' | 'created' | 'invitation';

/**
 * A link that sets a password, once, and at the same time the mail that brings it: due until it is sent. What is not in
 * this table is not good any more. Nothing here can be presented; the token is made from it and a key that is elsewhere.
 */
@Entity('password_resets')
export class PasswordReset {
  @PrimaryColumn({ type: String, length: 22, primaryKeyConstraintName: 'pk_password_resets' })
  id!: string;

  @Column({ type: String, length: 10 })
  purpose!: PasswordResetPurpose;

  /** Where the mail goes, in its canonical form. */
  @Index('ix_password_resets_email')
  @Column({ type: String, length: 254 })
  email!: string;

  /** Null until somebody has looked whose address it is: not while the one who asked is waiting. */
  @Index('ix_password_resets_user')
  @Column({ name: 'user_id', type: Number, nullable: true })
  userId!: number | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE', nullable: true })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'fk_password_resets_user' })
  user!: User | null;

  /** The admin who made it: it is good as long as they are one. */
  @Index('ix_password_resets_created_by')
  @Column({ name: 'created_by_id', type: Number, nullable: true })
  createdById!: number | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE', nullable: true })
  @JoinColumn({ name: 'created_by_id', foreignKeyConstraintName: 'fk_password_resets_created_by' })
  createdBy!: User | null;

  /** Of the key that its token is made with. */
  @Column({ name: 'key_id', type: String, length: 20 })
  keyId!: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;

  @Index('ix_password_resets_expires_at')
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt!: Date;

  /** When sending is to be tried next; null when it has been sent, or there is nothing to send. */
  @Index('ix_password_resets_mail_due_at')
  @Column({ name: 'mail_due_at', type: Date, precision: 3, nullable: true })
  mailDueAt!: Date | null;

  @Column({ name: 'mail_attempts', type: Number, default: 0 })
  mailAttempts!: number;
}
