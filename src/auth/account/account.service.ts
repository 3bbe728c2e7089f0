import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { User } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import { UnauthorizedError, wrongPassword } from '../access/auth.errors.js';
import { PasswordAttempts } from '../passwords/password-attempts.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { PasswordResetsService } from '../password-resets/password-resets.service.js';
import type { SignedIn } from '../access/principal.js';

/** What a user may do to their own account, and is asked for the password again. */
@Injectable()
export class AccountService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordHasher,
    private readonly attempts: PasswordAttempts,
    private readonly passwordResets: PasswordResetsService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * What is the same already leaves no trace.
   *
   * @param email in its canonical form
   * @throws InvalidCredentialsError when that is not their password
   * @throws EmailTakenError
   * @throws RateLimitedError after too many wrong passwords
   * @throws OverloadedError
   */
  changeEmail(principal: SignedIn, email: string, password: string): Promise<User> {
    return this.confirmed(principal, password, (passwordHash) =>
      this.unitOfWork.write(async () => {
        const user = await this.users.changeEmail(principal.id, passwordHash, email);
        // Whoever reads the old mailbox must not set the password with what was sent there.
        if (user !== null && email !== principal.email) await this.passwordResets.deleteOf(principal);
        return user;
      }),
    );
  }

  /**
   * The user, their items, sessions, tokens and links are gone; what they did stays written down, without their name.
   *
   * @throws InvalidCredentialsError when that is not their password
   * @throws LastAdminError
   * @throws RateLimitedError after too many wrong passwords
   * @throws OverloadedError
   */
  async erase(principal: SignedIn, password: string): Promise<void> {
    await this.confirmed(principal, password, (passwordHash) =>
      this.unitOfWork.write(async () => {
        const erased = await this.users.erase(principal.id, passwordHash);
        if (erased !== null) await this.passwordResets.deleteOf(erased);
        return erased;
      }),
    );
  }

  /** @param act is given the hash that was right, and comes back with null when it is the user's no longer */
  private async confirmed<T>(
    principal: SignedIn,
    password: string,
    act: (passwordHash: string) => Promise<T | null>,
  ): Promise<T> {
    const result = await this.attempts.check(principal, async () => {
      const user = await this.users.find(principal.id);
      if (user === null) throw new UnauthorizedError(true);
      const matches = await this.passwords.verify(password, user.passwordHash);
      const done = matches ? await act(user.passwordHash) : null;
      if (done === null) await this.recordFailure(principal);
      return done;
    });
    if (result === null) throw wrongPassword();
    return result;
  }

  /** @throws UnauthorizedError for a user who is gone: their name must not be written down once more */
  private recordFailure(principal: SignedIn): Promise<void> {
    return this.unitOfWork.write(async () => {
      if ((await this.users.lock(principal.id)) === null) throw new UnauthorizedError(true);
      await this.audit.record({
        actor: principal,
        action: 'auth.reauthentication_failed',
        resourceType: 'user',
        resourceId: principal.id,
        changes: {},
      });
    });
  }
}
