import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { canonicalEmail } from '../users/canonical-email.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { AccessTokens } from './access-token.js';
import { InvalidCredentialsError } from './auth.errors.js';
import { PasswordHasher } from './password-hasher.js';

export interface AccessToken {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
}

@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordHasher,
    private readonly tokens: AccessTokens,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * Hashes before it looks, so that a taken address is not told by how long the answer takes (it is told by 409).
   *
   * @throws EmailTakenError
   * @throws OverloadedError
   */
  async register(email: string, password: string): Promise<User> {
    return this.users.create(email, await this.passwords.hash(password), 'user');
  }

  /**
   * One answer and one time for a wrong password, an unknown e-mail and a disabled user.
   *
   * @throws InvalidCredentialsError
   * @throws OverloadedError
   */
  async login(email: string, password: string): Promise<AccessToken> {
    const canonical = canonicalEmail(email);
    const user = canonical === undefined ? null : await this.users.findByEmail(canonical);
    const matches = await this.passwords.verify(password, user?.passwordHash);
    if (user === null || !matches || user.disabled) {
      await this.audit.record({
        actor: { id: null, email: canonical ?? null },
        action: 'auth.login_failed',
        resourceType: 'user',
        resourceId: user?.id ?? null,
        changes: {},
      });
      throw new InvalidCredentialsError();
    }
    const newHash = this.passwords.isOutdated(user.passwordHash)
      ? await this.passwords.hash(password)
      : undefined;
    const token = await this.tokens.issue(user.id);
    await this.unitOfWork.write(async () => {
      if (newHash !== undefined) await this.users.replacePasswordHash(user.id, user.passwordHash, newHash);
      await this.audit.record({
        actor: user,
        action: 'auth.login_succeeded',
        resourceType: 'user',
        resourceId: user.id,
        changes: {},
      });
    });
    return { token, expiresIn: this.tokens.expiresIn };
  }
}
