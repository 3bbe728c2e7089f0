import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { canonicalEmail } from '../../users/canonical-email.js';
import type { User } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import { InvalidCredentialsError, InvalidRefreshTokenError } from '../access/auth.errors.js';
import { LoginAttempts } from '../passwords/login-attempts.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { SessionsService, type StoredSession } from '../sessions/sessions.service.js';
import { type IssuedToken, AccessTokens } from './access-token.service.js';
import { type RefreshToken, RefreshTokens } from './refresh-tokens.js';

/** The tokens of one session. */
export interface SessionTokens {
  readonly access: IssuedToken;
  readonly refresh: IssuedToken;
}

@Injectable()
export class SignInService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordHasher,
    private readonly attempts: LoginAttempts,
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly sessions: SessionsService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * A wrong password, an unknown e-mail and a disabled user get the same answer after the same time.
   *
   * @param device the `User-Agent` header
   * @throws InvalidCredentialsError
   * @throws RateLimitedError after too many wrong passwords
   * @throws OverloadedError
   */
  async login(email: string, password: string, device: string | undefined): Promise<SessionTokens> {
    const canonical = canonicalEmail(email);
    const signIn = () => this.signIn(canonical, password, device);
    // Text that is not an address has no account to protect, so the attempt is not counted.
    const session =
      canonical === undefined ? await signIn() : await this.attempts.attempt({ email: canonical }, signIn);
    if (session === null) throw new InvalidCredentialsError();
    return this.issueTokens(session);
  }

  /**
   * Exchanges a refresh token, which can be used once, for a new one.
   *
   * @throws InvalidRefreshTokenError
   */
  async refresh(token: string, device: string | undefined): Promise<SessionTokens> {
    const genuine = await this.findVerified(token);
    const session =
      genuine === null
        ? null
        : await this.sessions.rotateSession(genuine.sessionId, genuine.generation, device);
    if (session === null) throw new InvalidRefreshTokenError();
    return this.issueTokens(session);
  }

  /** Ends the session of a refresh token, whether it has been used or not. Does nothing for a forged token. */
  async logout(token: string): Promise<void> {
    const genuine = await this.findVerified(token);
    if (genuine !== null) await this.sessions.endSessionIfExists(genuine.sessionId);
  }

  /** @returns null after a failed login, which leaves an audit row */
  private async signIn(
    email: string | undefined,
    password: string,
    device: string | undefined,
  ): Promise<StoredSession | null> {
    for (;;) {
      const user = email === undefined ? null : await this.users.findByEmail(email);
      const matches = await this.passwords.checkPassword(password, user?.passwordHash);
      const isAccepted = user !== null && matches && !user.disabled;
      const session = isAccepted ? await this.startSession(user, password, device) : null;
      if (session === 'changed') continue;
      if (session !== null) return session;
      await this.recordFailedLogin(email, user);
      return null;
    }
  }

  /** @returns `changed` if the user changed after the password check, because that change can have ended all sessions */
  private async startSession(
    user: User,
    password: string,
    device: string | undefined,
  ): Promise<StoredSession | 'changed'> {
    const newHash = this.passwords.isOutdated(user.passwordHash)
      ? await this.passwords.hashPassword(password)
      : undefined;
    return this.unitOfWork.write(async () => {
      const current = await this.users.lock(user.id);
      if (current?.passwordHash !== user.passwordHash || current.disabled) return 'changed';
      if (newHash !== undefined) await this.users.replacePasswordHash(user.id, user.passwordHash, newHash);
      await this.audit.recordAudit({
        actor: user,
        action: 'auth.login_succeeded',
        resourceType: 'user',
        resourceId: user.id,
        changes: {},
      });
      return this.sessions.startSession(user.id, device);
    });
  }

  /**
   * The user can be erased while the server hashes. The audit row must not store the address again then.
   * An unknown address takes the same work.
   */
  private recordFailedLogin(email: string | undefined, user: User | null): Promise<void> {
    return this.unitOfWork.write(async () => {
      const current = await this.users.lock(user?.id ?? 0);
      const isErased = user !== null && current === null;
      await this.audit.recordAudit({
        actor: { id: null, email: isErased ? null : (email ?? null) },
        action: 'auth.login_failed',
        resourceType: 'user',
        resourceId: current?.id ?? null,
        changes: {},
      });
    });
  }

  private async findVerified(token: string): Promise<RefreshToken | null> {
    const parsed = this.refreshTokens.parseRefreshToken(token);
    const session = parsed && (await this.sessions.findSession(parsed.sessionId));
    return session && this.refreshTokens.verifyRefreshToken(parsed, session.keyId) ? parsed : null;
  }

  private async issueTokens(session: StoredSession): Promise<SessionTokens> {
    const now = await this.unitOfWork.now();
    const left = Math.floor((session.expiresAt.getTime() - now.getTime()) / 1000);
    return {
      access: await this.accessTokens.issueAccessToken(session, now),
      refresh: { token: this.refreshTokens.issueRefreshToken(session), expiresIn: Math.max(1, left) },
    };
  }
}
