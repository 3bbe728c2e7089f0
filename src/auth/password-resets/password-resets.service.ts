import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Actor, AuditService } from '../../audit/audit.service.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { PersonalTokensService } from '../personal-tokens/personal-tokens.service.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { Role } from '../../users/role.js';
import type { User } from '../../users/user.entity.js';
import { UserNotFoundError } from '../../users/users.errors.js';
import { UsersService } from '../../users/users.service.js';
import { refuseGuessable } from '../passwords/password-policy.js';
import { InvalidResetTokenError, MailNotConfiguredError } from '../access/auth.errors.js';
import { LoginAttempts } from '../passwords/login-attempts.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { RESET_LIFETIME_MS } from './password-reset.entity.js';
import { PasswordResetDelivery } from './password-reset-delivery.js';
import { PasswordResetTokens } from './password-reset-tokens.js';
import {
  PasswordResetsRepository,
  type RevokedLinks,
  type StoredReset,
} from './password-resets.repository.js';

const INVITATION_LIFETIME_MS = 7 * 86_400_000;

/** A single-use link that sets the user's password. Treat it as a credential. */
export interface ResetLink {
  readonly user: User;
  readonly url: string;
  readonly expiresAt: Date;
}

@Injectable()
export class PasswordResetsService {
  constructor(
    private readonly resets: PasswordResetsRepository,
    private readonly delivery: PasswordResetDelivery,
    private readonly tokens: PasswordResetTokens,
    private readonly users: UsersService,
    private readonly passwords: PasswordHasher,
    private readonly attempts: LoginAttempts,
    private readonly sessions: SessionsService,
    private readonly personalTokens: PersonalTokensService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * Stores the request without checking whether the address exists, so that the response and its timing reveal nothing.
   *
   * @throws MailNotConfiguredError
   */
  requestReset(email: string): Promise<void> {
    if (!this.delivery.enabled) throw new MailNotConfiguredError();
    return this.unitOfWork.write(async () => {
      await this.insertReset(
        { purpose: 'forgotten', email, userId: null, createdById: null },
        RESET_LIFETIME_MS,
        true,
      );
      await this.audit.recordAudit({
        actor: { id: null, email },
        action: 'auth.password_reset_requested',
        resourceType: 'user',
        resourceId: null,
        changes: {},
      });
    });
  }

  /**
   * Sets the password of the token's user and ends all their sessions, tokens and links.
   * Hashes before it checks the token, so that the timing reveals nothing about the token.
   *
   * @throws InvalidResetTokenError
   * @throws ValidationFailedError when the password is guessable from the e-mail address; the token stays valid
   * @throws OverloadedError
   */
  async resetPassword(token: string, password: string): Promise<void> {
    const hash = await this.passwords.hashPassword(password);
    const parsed = this.tokens.parseResetToken(token);
    const email =
      parsed &&
      (await this.unitOfWork.write(async () => {
        const reset = await this.resets.find(parsed.id);
        if (reset === null || !this.tokens.verifyResetToken(parsed, reset.keyId)) return null;
        const user = reset.userId === null ? null : await this.users.lock(reset.userId);
        if (user === null || user.disabled || reset.expiresAt <= (await this.unitOfWork.now())) return null;
        await refuseGuessable('new_password', password, user.email);
        const deleted = await this.resets.deleteAll({ of: user, createdBy: user.id });
        // Of several requests with the same token, only one deletes the row. The others change nothing.
        if (!deleted.includes(reset.id)) throw new InvalidResetTokenError();
        await this.users.replacePasswordHash(user.id, user.passwordHash, hash);
        await this.sessions.endAllSessions(user.id);
        // A person who knew the old password can have created personal tokens.
        await this.personalTokens.revokeAllTokens(user.id);
        await this.audit.recordAudit({
          actor: user,
          action: 'auth.password_reset',
          resourceType: 'user',
          resourceId: user.id,
          changes: {},
        });
        return user.email;
      }));
    if (email === null) throw new InvalidResetTokenError();
    // The owner of the mailbox must not wait because of other people's failed attempts.
    await this.attempts.reset(email);
  }

  /**
   * Creates a link for the admin to hand over. The link of a disabled user works once the user is enabled.
   *
   * @throws UserNotFoundError
   */
  createLink(userId: number, actor: Actor): Promise<ResetLink> {
    return this.unitOfWork.write(async () => {
      const user = await this.users.lock(userId);
      if (user === null) throw new UserNotFoundError();
      const reset = await this.insertReset(
        { purpose: 'created', email: user.email, userId, createdById: actor.id },
        RESET_LIFETIME_MS,
        false,
      );
      await this.audit.recordAudit({
        actor,
        action: 'user.password_reset_created',
        resourceType: 'user',
        resourceId: userId,
        changes: {},
      });
      return { user, url: this.tokens.linkTo(reset), expiresAt: reset.expiresAt };
    });
  }

  /**
   * Creates a user with a random password and the link that sets their own. Mails the link when mail is configured.
   *
   * @throws EmailTakenError
   * @throws OverloadedError
   */
  async invite(email: string, role: Role, actor: Actor, confirm: () => Promise<void>): Promise<ResetLink> {
    const hash = await this.passwords.hashPassword(randomBytes(32).toString('base64url'));
    return this.unitOfWork.write(async () => {
      // The admin can lose the role or the session while the server hashes.
      await confirm();
      const user = await this.users.create(email, hash, role, actor);
      const reset = await this.insertReset(
        { purpose: 'invitation', email, userId: user.id, createdById: actor.id },
        INVITATION_LIFETIME_MS,
        this.delivery.enabled,
      );
      return { user, url: this.tokens.linkTo(reset), expiresAt: reset.expiresAt };
    });
  }

  /** Revokes links and invitations, sent or not. Call it once inside the write of an audited change. */
  async revokeLinks(links: RevokedLinks): Promise<void> {
    await this.resets.deleteAll(links);
  }

  private async insertReset(
    target: Pick<StoredReset, 'purpose' | 'email' | 'userId' | 'createdById'>,
    lifetimeMs: number,
    isMailed: boolean,
  ): Promise<StoredReset> {
    const now = await this.unitOfWork.now();
    const reset: StoredReset = {
      ...target,
      id: this.tokens.newId(),
      keyId: this.tokens.keyId,
      createdAt: now,
      expiresAt: new Date(now.getTime() + lifetimeMs),
      mailDueAt: isMailed ? now : null,
      mailAttempts: 0,
    };
    await this.resets.insert(reset);
    if (isMailed) this.unitOfWork.afterCommit(() => this.delivery.wake());
    return reset;
  }
}
