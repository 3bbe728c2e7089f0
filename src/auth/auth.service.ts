import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { canonicalEmail } from '../users/canonical-email.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { SessionsService, type StoredSession } from './sessions/sessions.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { refuseGuessable } from './passwords/password-policy.js';
import { type AccessToken, AccessTokens } from './sign-in/access-token.service.js';
import {
  InvalidCredentialsError,
  InvalidRefreshTokenError,
  UnauthorizedError,
  wrongPassword,
} from './access/auth.errors.js';
import { PasswordAttempts } from './passwords/password-attempts.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { PasswordResetsService } from './password-resets/password-resets.service.js';
import type { SignedIn } from './access/principal.js';
import { type RefreshToken, RefreshTokens } from './sign-in/refresh-tokens.js';

/** What somebody who is signed in holds. */
export interface SessionTokens {
  readonly access: AccessToken;
  readonly refresh: AccessToken;
}

@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordHasher,
    private readonly attempts: PasswordAttempts,
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly sessions: SessionsService,
    private readonly passwordResets: PasswordResetsService,
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
   * @param device the `User-Agent` header
   * @throws InvalidCredentialsError
   * @throws RateLimitedError after too many wrong ones
   * @throws OverloadedError
   */
  async login(email: string, password: string, device: string | undefined): Promise<SessionTokens> {
    const canonical = canonicalEmail(email);
    const signIn = () => this.signIn(canonical, password, device);
    // What is no address is nobody's account, and has none to protect.
    const session =
      canonical === undefined ? await signIn() : await this.attempts.check({ email: canonical }, signIn);
    if (session === null) throw new InvalidCredentialsError();
    return this.tokensOf(session);
  }

  /** @returns null, and leaves a row, for somebody who does not get in */
  private async signIn(
    email: string | undefined,
    password: string,
    device: string | undefined,
  ): Promise<StoredSession | null> {
    for (;;) {
      const user = email === undefined ? null : await this.users.findByEmail(email);
      const matches = await this.passwords.verify(password, user?.passwordHash);
      const isAccepted = user !== null && matches && !user.disabled;
      const session = isAccepted ? await this.begin(user, password, device) : null;
      if (session === 'changed') continue;
      if (session !== null) return session;
      await this.recordFailure(email, user);
      return null;
    }
  }

  /**
   * Hashing takes long enough for somebody to be erased meanwhile: then their name must not be written down once more.
   * As much work for an address that nobody has.
   */
  private recordFailure(email: string | undefined, user: User | null): Promise<void> {
    return this.unitOfWork.write(async () => {
      const current = await this.users.lock(user?.id ?? 0);
      const isErased = user !== null && current === null;
      await this.audit.record({
        actor: { id: null, email: isErased ? null : (email ?? null) },
        action: 'auth.login_failed',
        resourceType: 'user',
        resourceId: current?.id ?? null,
        changes: {},
      });
    });
  }

  /**
   * Exchanges a refresh token, which is good once, for another one.
   *
   * @throws InvalidRefreshTokenError
   */
  async refresh(token: string, device: string | undefined): Promise<SessionTokens> {
    const genuine = await this.findGenuine(token);
    const session =
      genuine === null ? null : await this.sessions.rotate(genuine.sessionId, genuine.generation, device);
    if (session === null) throw new InvalidRefreshTokenError();
    return this.tokensOf(session);
  }

  /** Ends the session of a refresh token, used or not. One that is none of ours ends nothing. */
  async logout(token: string): Promise<void> {
    const genuine = await this.findGenuine(token);
    if (genuine !== null) await this.sessions.endIfThere(genuine.sessionId);
  }

  /**
   * A session for somebody whose password was right.
   *
   * @returns `changed` when they have been since: what ended their sessions then must not miss this one
   */
  private async begin(
    user: User,
    password: string,
    device: string | undefined,
  ): Promise<StoredSession | 'changed'> {
    const newHash = this.passwords.isOutdated(user.passwordHash)
      ? await this.passwords.hash(password)
      : undefined;
    return this.unitOfWork.write(async () => {
      const current = await this.users.lock(user.id);
      if (current?.passwordHash !== user.passwordHash || current.disabled) return 'changed';
      if (newHash !== undefined) await this.users.replacePasswordHash(user.id, user.passwordHash, newHash);
      await this.audit.record({
        actor: user,
        action: 'auth.login_succeeded',
        resourceType: 'user',
        resourceId: user.id,
        changes: {},
      });
      return this.sessions.start(user.id, device);
    });
  }

  /**
   * All other sessions end: whoever has learned the old password is out. So do links that set a password.
   *
   * @throws ValidationFailedError when `next` is their e-mail address
   * @throws InvalidCredentialsError when `current` is not their password
   * @throws RateLimitedError after too many wrong ones
   * @throws OverloadedError
   */
  async changePassword(principal: SignedIn, current: string, next: string): Promise<void> {
    await refuseGuessable('new_password', next, principal.email);
    const isChanged = await this.attempts.check(principal, async () =>
      (await this.tryChangingPassword(principal, current, next)) ? true : null,
    );
    if (!isChanged) throw wrongPassword();
  }

  private async tryChangingPassword(principal: SignedIn, current: string, next: string): Promise<boolean> {
    const user = await this.users.find(principal.id);
    if (user === null) throw new UnauthorizedError(true);
    const { passwordHash } = user;
    const matches = await this.passwords.verify(current, passwordHash);
    const newHash = matches ? await this.passwords.hash(next) : undefined;
    return this.unitOfWork.write(async () => {
      const locked = await this.users.lock(principal.id);
      // Erased meanwhile: their name must not be written down once more.
      if (locked === null) throw new UnauthorizedError(true);
      const isStillRight = newHash !== undefined && locked.passwordHash === passwordHash;
      await this.audit.record({
        actor: principal,
        action: isStillRight ? 'auth.password_changed' : 'auth.password_change_failed',
        resourceType: 'user',
        resourceId: principal.id,
        changes: {},
      });
      if (!isStillRight) return false;
      await this.users.replacePasswordHash(principal.id, passwordHash, newHash);
      await this.passwordResets.deleteOf(locked);
      await this.sessions.endAll(principal.id, principal.sessionId);
      return true;
    });
  }

  private async findGenuine(token: string): Promise<RefreshToken | null> {
    const parsed = this.refreshTokens.parse(token);
    const session = parsed && (await this.sessions.find(parsed.sessionId));
    return session && this.refreshTokens.isGenuine(parsed, session.keyId) ? parsed : null;
  }

  private async tokensOf(session: StoredSession): Promise<SessionTokens> {
    const left = Math.floor((session.expiresAt.getTime() - Date.now()) / 1000);
    return {
      access: await this.accessTokens.issue(session),
      refresh: { token: this.refreshTokens.issue(session), expiresIn: Math.max(1, left) },
    };
  }
}
