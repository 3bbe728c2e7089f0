import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { User } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import { UnauthorizedError, wrongPasswordError } from '../access/auth.errors.js';
import type { SessionPrincipal } from '../access/principal.js';
import { PasswordResetsService } from '../password-resets/password-resets.service.js';
import { LoginAttempts } from '../passwords/login-attempts.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { refuseGuessable } from '../passwords/password-policy.js';
import { SessionsService } from '../sessions/sessions.service.js';

/** Creates an account, and changes it after the user has confirmed with their password. */
@Injectable()
export class AccountService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordHasher,
    private readonly attempts: LoginAttempts,
    private readonly passwordResets: PasswordResetsService,
    private readonly sessions: SessionsService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * Hashes before it looks up the address, so that the response time does not reveal whether the address is taken.
   *
   * @throws EmailTakenError
   * @throws OverloadedError
   */
  async register(email: string, password: string): Promise<User> {
    return this.users.create(email, await this.passwords.hashPassword(password), 'user');
  }

  /**
   * Ends all other sessions and deletes pending reset links, because the old password may be known to others.
   *
   * @throws ValidationFailedError when `next` is easy to guess
   * @throws InvalidCredentialsError when `current` is wrong
   * @throws RateLimitedError after too many wrong passwords
   * @throws OverloadedError
   */
  async changePassword(principal: SessionPrincipal, current: string, next: string): Promise<void> {
    await refuseGuessable('new_password', next, principal.email);
    const isChanged = await this.attempts.attempt(principal, async () =>
      (await this.replacePassword(principal, current, next)) ? true : null,
    );
    if (!isChanged) throw wrongPasswordError();
  }

  /**
   * Writes no audit row when the address does not change.
   *
   * @param email in its canonical form
   * @throws InvalidCredentialsError when the password is wrong
   * @throws EmailTakenError
   * @throws RateLimitedError after too many wrong passwords
   * @throws OverloadedError
   */
  changeEmail(principal: SessionPrincipal, email: string, password: string): Promise<User> {
    return this.withConfirmedPassword(principal, password, (passwordHash) =>
      this.unitOfWork.write(async () => {
        const user = await this.users.changeEmail(principal.id, passwordHash, email);
        // A link that was sent to the old mailbox must not set the password.
        if (user !== null && email !== principal.email)
          await this.passwordResets.revokeLinks({ of: principal });
        return user;
      }),
    );
  }

  /**
   * Deletes the user with their items, sessions, tokens and links. Their audit rows stay, without the e-mail address.
   *
   * @throws InvalidCredentialsError when the password is wrong
   * @throws LastAdminError
   * @throws RateLimitedError after too many wrong passwords
   * @throws OverloadedError
   */
  async eraseAccount(principal: SessionPrincipal, password: string): Promise<void> {
    await this.withConfirmedPassword(principal, password, (passwordHash) =>
      this.unitOfWork.write(async () => {
        const user = await this.users.lockToErase(principal.id, passwordHash);
        if (user === null) return null;
        // First, because together with the user they would be deleted in any order.
        await this.passwordResets.revokeLinks({ of: user, createdBy: user.id });
        await this.users.erase(user);
        return user;
      }),
    );
  }

  private async replacePassword(
    principal: SessionPrincipal,
    current: string,
    next: string,
  ): Promise<boolean> {
    const user = await this.users.find(principal.id);
    if (user === null) throw new UnauthorizedError(true);
    const { passwordHash } = user;
    const matches = await this.passwords.checkPassword(current, passwordHash);
    const newHash = matches ? await this.passwords.hashPassword(next) : undefined;
    return this.unitOfWork.write(async () => {
      const locked = await this.users.lock(principal.id);
      // The user was erased in the meantime, so an audit row must not store the address again.
      if (locked === null) throw new UnauthorizedError(true);
      const isStillRight = newHash !== undefined && locked.passwordHash === passwordHash;
      await this.audit.recordAudit({
        actor: principal,
        action: isStillRight ? 'auth.password_changed' : 'auth.password_change_failed',
        resourceType: 'user',
        resourceId: principal.id,
        changes: {},
      });
      if (!isStillRight) return false;
      await this.users.replacePasswordHash(principal.id, passwordHash, newHash);
      await this.passwordResets.revokeLinks({ of: locked });
      await this.sessions.endAllSessions(principal.id, principal.sessionId);
      return true;
    });
  }

  /** @param act gets the hash that matched; it returns null if the password has changed in the meantime */
  private async withConfirmedPassword<T>(
    principal: SessionPrincipal,
    password: string,
    act: (passwordHash: string) => Promise<T | null>,
  ): Promise<T> {
    const result = await this.attempts.attempt(principal, async () => {
      const user = await this.users.find(principal.id);
      if (user === null) throw new UnauthorizedError(true);
      const matches = await this.passwords.checkPassword(password, user.passwordHash);
      const done = matches ? await act(user.passwordHash) : null;
      if (done === null) await this.recordFailedConfirmation(principal);
      return done;
    });
    if (result === null) throw wrongPasswordError();
    return result;
  }

  /** @throws UnauthorizedError when the user was erased, because an audit row must not store the address again */
  private recordFailedConfirmation(principal: SessionPrincipal): Promise<void> {
    return this.unitOfWork.write(async () => {
      if ((await this.users.lock(principal.id)) === null) throw new UnauthorizedError(true);
      await this.audit.recordAudit({
        actor: principal,
        action: 'auth.reauthentication_failed',
        resourceType: 'user',
        resourceId: principal.id,
        changes: {},
      });
    });
  }
}
