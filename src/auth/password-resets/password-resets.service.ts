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
import { PasswordAttempts } from '../passwords/password-attempts.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { RESET_LIFETIME_MS } from './password-reset.entity.js';
import { PasswordResetDelivery } from './password-reset-delivery.js';
import { PasswordResetTokens } from './password-reset-tokens.js';
import { PasswordResetsRepository, type StoredReset } from './password-resets.repository.js';

const INVITATION_LIFETIME_MS = 7 * 86_400_000;

/** With which somebody sets their password. Whoever has it is them. */
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
    private readonly attempts: PasswordAttempts,
    private readonly sessions: SessionsService,
    private readonly personalTokens: PersonalTokensService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * Keeps that somebody asked. Does not look whether anybody has this address: the delivery does, later, so that the
   * answer and its time are the same.
   *
   * @throws MailNotConfiguredError
   */
  request(email: string): Promise<void> {
    if (!this.delivery.enabled) throw new MailNotConfiguredError();
    return this.unitOfWork.write(async () => {
      await this.insert(
        { purpose: 'forgotten', email, userId: null, createdById: null },
        RESET_LIFETIME_MS,
        true,
      );
      await this.audit.record({
        actor: { id: null, email },
        action: 'auth.password_reset_requested',
        resourceType: 'user',
        resourceId: null,
        changes: {},
      });
    });
  }

  /**
   * Sets the password of whoever the token was made for, and ends everything that lets somebody in as them.
   * Hashes before it looks, so that how long it takes tells nothing of the token.
   *
   * @throws InvalidResetTokenError
   * @throws ValidationFailedError when it is guessed from the e-mail address; the token stays good
   * @throws OverloadedError
   */
  async reset(token: string, password: string): Promise<void> {
    const hash = await this.passwords.hash(password);
    const parsed = this.tokens.parse(token);
    const email =
      parsed &&
      (await this.unitOfWork.write(async () => {
        const reset = await this.resets.find(parsed.id);
        if (reset === null || !this.tokens.isGenuine(parsed, reset.keyId)) return null;
        const user = reset.userId === null ? null : await this.users.lock(reset.userId);
        if (user === null || user.disabled || reset.expiresAt <= new Date()) return null;
        await refuseGuessable('new_password', password, user.email);
        // Of several who come with it at once, this lets one through.
        if (!(await this.resets.delete(reset.id))) return null;
        await this.users.replacePasswordHash(user.id, user.passwordHash, hash);
        await this.deleteOf(user);
        await this.deleteMadeBy(user.id);
        await this.sessions.endAll(user.id);
        // Whoever knew the old password may have made some.
        await this.personalTokens.revokeAll(user.id);
        await this.audit.record({
          actor: user,
          action: 'auth.password_reset',
          resourceType: 'user',
          resourceId: user.id,
          changes: {},
        });
        return user.email;
      }));
    if (email === null) throw new InvalidResetTokenError();
    // Whoever has the mailbox is the owner, and is not to wait for what others have tried.
    await this.attempts.forget(email);
  }

  /**
   * A link to hand over by other means than mail. A disabled user's is of no use until they are enabled.
   *
   * @throws UserNotFoundError
   */
  createLink(userId: number, actor: Actor): Promise<ResetLink> {
    return this.unitOfWork.write(async () => {
      const user = await this.users.lock(userId);
      if (user === null) throw new UserNotFoundError();
      const reset = await this.insert(
        { purpose: 'created', email: user.email, userId, createdById: actor.id },
        RESET_LIFETIME_MS,
        false,
      );
      await this.audit.record({
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
   * A new user with a password that nobody knows, and the link with which they set their own; mailed too, where there is
   * mail.
   *
   * @throws EmailTakenError
   * @throws OverloadedError
   */
  async invite(email: string, role: Role, actor: Actor, confirm: () => Promise<void>): Promise<ResetLink> {
    const hash = await this.passwords.hash(randomBytes(32).toString('base64url'));
    return this.unitOfWork.write(async () => {
      // Hashing takes long enough for the inviter to be gone.
      await confirm();
      const user = await this.users.create(email, hash, role, actor);
      const reset = await this.insert(
        { purpose: 'invitation', email, userId: user.id, createdById: actor.id },
        INVITATION_LIFETIME_MS,
        this.delivery.enabled,
      );
      return { user, url: this.tokens.linkTo(reset), expiresAt: reset.expiresAt };
    });
  }

  /** All their links, sent or not, are of no use any more. Belongs to a change that leaves a row in the audit log. */
  deleteOf({ id, email }: Pick<User, 'id' | 'email'>): Promise<void> {
    return this.resets.deleteOf(id, email);
  }

  /** The links that this admin has made for others, invitations too. As {@link deleteOf}. */
  deleteMadeBy(id: number): Promise<void> {
    return this.resets.deleteMadeBy(id);
  }

  private async insert(
    whose: Pick<StoredReset, 'purpose' | 'email' | 'userId' | 'createdById'>,
    lifetimeMs: number,
    isMailed: boolean,
  ): Promise<StoredReset> {
    const now = new Date();
    const reset: StoredReset = {
      ...whose,
      id: this.tokens.newId(),
      keyId: this.tokens.keyId,
      createdAt: now,
      expiresAt: new Date(now.getTime() + lifetimeMs),
      mailDueAt: isMailed ? now : null,
      mailAttempts: 0,
    };
    await this.resets.insert(reset);
    if (isMailed) this.unitOfWork.afterCommit(() => this.delivery.nudge());
    return reset;
  }
}
