import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { Role } from './role.js';

@Entity('users')
export class User {
  @PrimaryGeneratedColumn({ primaryKeyConstraintName: 'pk_users' })
  id!: number;

  /** In its canonical form (canonical-email.ts), so that a plain UNIQUE is enough on either database. */
  @Index('uq_users_email', { unique: true })
  @Column({ type: String, length: 254 })
  email!: string;

  @Column({ name: 'password_hash', type: String, length: 100 })
  passwordHash!: string;

  @Index('ix_users_role')
  @Column({ type: String, length: 10 })
  role!: Role;

  @Column({ type: Boolean, default: false })
  disabled!: boolean;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt!: Date;
}

/** The identity and the current rights of a user. */
export type Standing = Pick<User, 'id' | 'email' | 'role' | 'disabled' | 'createdAt'>;
