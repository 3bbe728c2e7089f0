import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type CleanupOptions, createCleanupJob } from '../../common/jobs/cleanup-job.js';
import { backOffMs, Outbox, type OutboxOptions, type RetryOptions } from '../../common/jobs/outbox.js';
import type { PollingWorker } from '../../common/jobs/polling-worker.js';
import { Mailer, MailNotSentError } from '../../common/mail/mailer.js';
import { RateLimiter } from '../../common/rate-limit/rate-limiter.js';
import { ENV, type Env } from '../../config/env.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { UsersService } from '../../users/users.service.js';
import { pseudonymizer } from '../access/token-signer.js';
import { RESET_LIFETIME_MS } from './password-reset.entity.js';
import { passwordResetMail } from './password-reset-mail.js';
import { PasswordResetTokens } from './password-reset-tokens.js';
import { PasswordResetsRepository, type StoredReset } from './password-resets.repository.js';

export interface PasswordResetDeliveryOptions extends OutboxOptions, RetryOptions {
  /** How long the work for a request waits after the response. */
  readonly wakeDelayMs: number;
  readonly cleanup: CleanupOptions;
}

export const PASSWORD_RESET_DELIVERY_OPTIONS = Symbol('PASSWORD_RESET_DELIVERY_OPTIONS');
export const PASSWORD_RESET_DELIVERY_DEFAULTS: PasswordResetDeliveryOptions = {
  wakeDelayMs: 1000,
  pollMs: 5000,
  firstRetryMs: 2000,
  longestRetryMs: 3_600_000,
  leaseMs: 90_000,
  // More mails than one client can request within the login limit, so that a mail's delay does not reveal whether the
  // mails before it were sent.
  concurrency: 10,
  shutdownGraceMs: 5000,
  cleanup: { intervalMs: 3_600_000, batchSize: 500 },
};

/** Per mailbox. The newest link is still valid when a mailbox reaches the limit. */
const MAIL_LIMIT = { limit: 3, windowSeconds: RESET_LIFETIME_MS / 1000 };
/** Caps the back-off, so that a link that lives for half an hour is retried until it expires. */
const RETRIES_PER_LIFETIME = 10;

/**
 * Sends the mail of password resets. Looks up the account here and not in the request, so that the response is the same
 * for every address.
 */
@Injectable()
export class PasswordResetDelivery implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('PasswordResetDelivery');
  private readonly outbox: Outbox<StoredReset>;
  private readonly cleanup: PollingWorker;
  private readonly pseudonymOf: (email: string) => string;
  private wakeTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly resets: PasswordResetsRepository,
    private readonly tokens: PasswordResetTokens,
    private readonly users: UsersService,
    private readonly mailer: Mailer,
    private readonly unitOfWork: UnitOfWork,
    private readonly limiter: RateLimiter,
    @Inject(ENV) env: Env,
    @Inject(PASSWORD_RESET_DELIVERY_OPTIONS) private readonly options: PasswordResetDeliveryOptions,
  ) {
    this.pseudonymOf = pseudonymizer(env.JWT_KEYS, 'mailbox name');
    this.outbox = new Outbox(
      resets.outbox,
      {
        handle: (row, signal) => this.deliver(row, signal),
        retryDelayMs: (row) => this.retryDelayMs(row),
        onFailure: (_row, error) => this.logFailure(error),
        onError: (error) => this.logger.warn('mail delivery is paused', error),
      },
      options,
    );
    this.cleanup = createCleanupJob(
      'expired password resets',
      (limit) => resets.deleteExpired(limit),
      options.cleanup,
      this.logger,
    );
  }

  get enabled(): boolean {
    return this.mailer.enabled;
  }

  onApplicationBootstrap(): void {
    if (this.enabled) this.outbox.start();
    this.cleanup.start();
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.wakeTimer);
    await Promise.all([this.outbox.stop(), this.cleanup.stop()]);
  }

  /**
   * Sends what is due after a delay. The work takes longer for an address that has an account, and a client that sends
   * request after request could measure that.
   */
  wake(): void {
    if (!this.enabled) return;
    this.wakeTimer ??= setTimeout(() => {
      this.wakeTimer = undefined;
      this.outbox.wake();
    }, this.options.wakeDelayMs).unref();
  }

  private async deliver(row: StoredReset, signal: AbortSignal): Promise<void> {
    // The row's key can be retired by now, and a link made with it would not work.
    const keyId = this.tokens.usableKeyId(row.keyId);
    const isAllowed = (await this.resolveRecipient(row, keyId)) && !(await this.exceedsMailLimit(row));
    if (!isAllowed) {
      await this.resets.delete(row.id);
      return;
    }
    await this.mailer.send(passwordResetMail(row, this.tokens.linkTo({ id: row.id, keyId })), signal);
  }

  /** Assigns the row to the user who has the address. @returns false when the link must not be sent */
  private resolveRecipient(row: StoredReset, keyId: string): Promise<boolean> {
    return this.unitOfWork.write(async () => {
      const found = await this.users.findByEmail(row.email);
      // The lock makes changes that revoke links wait.
      const user = found && (await this.users.lock(found.id));
      const isAllowed =
        user !== null &&
        user.email === row.email &&
        (row.userId === null || row.userId === user.id) &&
        !user.disabled &&
        row.expiresAt > (await this.unitOfWork.now());
      return isAllowed && this.resets.assign(row.id, { userId: user.id, keyId });
    });
  }

  /**
   * Counts per mailbox and not in the table, because the rows of an account disappear when its owner changes the
   * password or deletes the account.
   */
  private async exceedsMailLimit({ email, purpose, userId }: StoredReset): Promise<boolean> {
    // A row with a user was counted at its first attempt.
    if (purpose !== 'forgotten' || userId !== null) return false;
    const state = await this.limiter.hit(`mail:${this.pseudonymOf(email)}`, MAIL_LIMIT);
    return !state.allowed;
  }

  private retryDelayMs({ mailAttempts, createdAt, expiresAt }: StoredReset): number {
    const lifetime = expiresAt.getTime() - createdAt.getTime();
    return Math.min(backOffMs(this.options, mailAttempts), lifetime / RETRIES_PER_LIFETIME);
  }

  private logFailure(error: unknown): void {
    // Other errors can contain the address or the link.
    this.logger.warn(`mail was not sent: ${error instanceof MailNotSentError ? error.message : 'unknown'}`);
  }
}
