import { Injectable } from '@nestjs/common';
import { type Actor, AuditService } from '../audit/audit.service.js';
import type { Page } from '../common/pagination/page.query.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { Role } from './role.js';
import type { Standing, User } from './user.entity.js';
import { LastAdminError, UserNotFoundError } from './users.errors.js';
import { type UserFilter, UsersRepository } from './users.repository.js';

@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /** As committed at the moment of the call. Not within a write. */
  findStanding(id: number): Promise<Standing | null> {
    return this.users.findStanding(id);
  }

  /** Within a write. No other transaction changes this user until the write ends. */
  lock(id: number): Promise<User | null> {
    return this.users.findByIdForUpdate(id);
  }

  /** Within a write, before it locks any other user. No other transaction changes an active admin until the write ends. */
  lockActiveAdmins(): Promise<User[]> {
    return this.users.lockActiveAdmins();
  }

  findByEmail(email: string): Promise<User | null> {
    return this.users.findByEmail(email);
  }

  find(id: number): Promise<User | null> {
    return this.users.findById(id);
  }

  /** @throws UserNotFoundError */
  async get(id: number): Promise<User> {
    const user = await this.users.findById(id);
    if (user === null) throw new UserNotFoundError();
    return user;
  }

  /**
   * @param invitedBy who makes the account, if it is not its owner
   * @throws EmailTakenError
   */
  create(email: string, passwordHash: string, role: Role, invitedBy?: Actor): Promise<User> {
    return this.unitOfWork.write(async () => {
      const user = await this.users.insert({ email, passwordHash, role });
      await this.audit.recordAudit({
        actor: invitedBy ?? user,
        action: invitedBy === undefined ? 'user.registered' : 'user.invited',
        resourceType: 'user',
        resourceId: user.id,
        changes: { email: { from: null, to: email }, role: { from: null, to: role } },
      });
      return user;
    });
  }

  replacePasswordHash(id: number, from: string, to: string): Promise<void> {
    return this.users.replacePasswordHash(id, from, to);
  }

  existsWithHashVersion(version: string): Promise<boolean> {
    return this.users.existsWithHashVersion(version);
  }

  /**
   * Changes role and standing; what is the same already leaves no trace.
   *
   * @throws UserNotFoundError
   * @throws LastAdminError
   */
  changeStanding(id: number, change: { role?: Role; disabled?: boolean }, actor: Actor): Promise<User> {
    return this.unitOfWork.write(async () => {
      // Before the user's own row: two requests that take away one admin each must not both find the other one left.
      const admins = await this.users.lockActiveAdmins();
      const user = await this.users.findByIdForUpdate(id);
      if (user === null) throw new UserNotFoundError();
      const role = change.role ?? user.role;
      const disabled = change.disabled ?? user.disabled;
      const remainsActiveAdmin = role === 'admin' && !disabled;
      if (!remainsActiveAdmin && admins.length === 1 && admins[0]!.id === id) throw new LastAdminError();
      if (role !== user.role) {
        await this.audit.recordAudit({
          actor,
          action: 'user.role_changed',
          resourceType: 'user',
          resourceId: id,
          changes: { role: { from: user.role, to: role } },
        });
      }
      if (disabled !== user.disabled) {
        await this.audit.recordAudit({
          actor,
          action: disabled ? 'user.disabled' : 'user.enabled',
          resourceType: 'user',
          resourceId: id,
          changes: { disabled: { from: user.disabled, to: disabled } },
        });
      }
      if (role !== user.role || disabled !== user.disabled) await this.users.update(id, { role, disabled });
      return { ...user, role, disabled };
    });
  }

  /**
   * A change to the current value leaves no trace.
   *
   * @param passwordHash that of the password which was asked for
   * @returns the user as they are then; null when their password has been changed since, and they are asked again
   * @throws EmailTakenError
   */
  changeEmail(id: number, passwordHash: string, email: string): Promise<User | null> {
    return this.unitOfWork.write(async () => {
      const user = await this.users.findByIdForUpdate(id);
      if (user?.passwordHash !== passwordHash) return null;
      if (email === user.email) return user;
      await this.audit.recordAudit({
        actor: user,
        action: 'user.email_changed',
        resourceType: 'user',
        resourceId: id,
        changes: { email: { from: user.email, to: email } },
      });
      await this.users.changeEmail(id, email);
      return { ...user, email };
    });
  }

  /**
   * Within a write that erases the user.
   *
   * @param passwordHash that of the password which was asked for
   * @returns null when their password has been changed since, and they are asked again
   * @throws LastAdminError
   */
  lockToErase(id: number, passwordHash: string): Promise<User | null> {
    return this.unitOfWork.write(async () => {
      // As in changeStanding: before the user's own row.
      const admins = await this.users.lockActiveAdmins();
      const user = await this.users.findByIdForUpdate(id);
      if (user?.passwordHash !== passwordHash) return null;
      if (admins.length === 1 && admins[0]!.id === id) throw new LastAdminError();
      return user;
    });
  }

  /** Erases a locked user with all that is theirs. Their rows in the audit log stay, without their name. */
  erase(user: User): Promise<void> {
    const { id } = user;
    return this.unitOfWork.write(async () => {
      await this.users.delete(id);
      await this.audit.anonymize(user);
      await this.audit.recordAudit({
        actor: { id, email: null },
        action: 'user.erased',
        resourceType: 'user',
        resourceId: id,
        changes: {},
      });
    });
  }

  page(filter: UserFilter): Promise<Page<User>> {
    return this.users.page(filter);
  }

  countAll(): ReturnType<UsersRepository['countAll']> {
    return this.users.countAll();
  }
}
