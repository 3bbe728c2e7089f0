import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ThrottlerStorage } from '@nestjs/throttler';
import { ENV, type Env } from '../../config/env.js';
import { Mailer, MailNotSentError } from '../../common/mail/mailer.js';
import { retryDelay, type RetryOptions, Rounds, type RoundsOptions } from '../../database/rounds.js';
import { sweep } from '../../database/sweep.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { UsersService } from '../../users/users.service.js';
import { RESET_LIFETIME_MS } from './password-reset.entity.js';
import { passwordResetMail } from './password-reset-mail.js';
import { PasswordResetTokens } from './password-reset-tokens.js';
import { PasswordResetsRepository, type StoredReset } from './password-resets.repository.js';
import { pseudonyms } from '../access/token-signer.js';

/** When things happen, in milliseconds. */
export interface PasswordResetDeliveryOptions extends RoundsOptions, RetryOptions {
  /** From a request to the work that it makes. */
  readonly pauseMs: number;
  /** A claimed mail is left alone this long; longer than one can take. */
  readonly leaseMs: number;
  /** How long a running send is waited for at the end. */
  readonly farewellMs: number;
  readonly sweepIntervalMs: number;
}

export const PASSWORD_RESET_DELIVERY_OPTIONS = Symbol('PASSWORD_RESET_DELIVERY_OPTIONS');
export const PASSWORD_RESET_DELIVERY_DEFAULTS: PasswordResetDeliveryOptions = {
  pauseMs: 1000,
  pollMs: 5000,
  firstRetryMs: 2000,
  longestRetryMs: 3_600_000,
  leaseMs: 90_000,
  farewellMs: 5000,
  sweepIntervalMs: 3_600_000,
};

/**
 * However often somebody asks with an address: whose it is must not be buried under mail. In as long as a link is good, so
 * that who is sent no more has one that is.
 */
const MAXIMUM_MAILS = 3;
/**
 * Sent at the same time: when a mail arrives must not tell whether others before it went out, so more than one address
 * can ask for under the login limit.
 */
const MAXIMUM_SENDING = 10;
/** So that a link that is good for half an hour is tried to the end. */
const RETRIES_PER_LIFETIME = 10;
const SWEEP_BATCH = 500;

/**
 * A row is due until the mail server has taken it or the link has expired. Whose the address is, and whether anybody's
 * at all, is looked up here and not in the request, which is so the same for everybody.
 */
@Injectable()
export class PasswordResetDelivery implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('PasswordResetDelivery');
  private readonly stop = new AbortController();
  private pause: NodeJS.Timeout | undefined;
  private readonly outbox: Rounds;
  private readonly sweep: Rounds;
  private readonly sending = new Set<Promise<void>>();
  private readonly mailboxOf: (email: string) => string;

  constructor(
    private readonly resets: PasswordResetsRepository,
    private readonly tokens: PasswordResetTokens,
    private readonly users: UsersService,
    private readonly mailer: Mailer,
    private readonly unitOfWork: UnitOfWork,
    @Inject(ThrottlerStorage) private readonly counts: ThrottlerStorage,
    @Inject(ENV) env: Env,
    @Inject(PASSWORD_RESET_DELIVERY_OPTIONS) private readonly options: PasswordResetDeliveryOptions,
  ) {
    this.mailboxOf = pseudonyms(env.JWT_KEYS, 'mailbox name');
    this.outbox = new Rounds(
      () => this.deliverNext(),
      options,
      (error) => this.logger.warn('sending mail paused', error),
    );
    this.sweep = sweep(
      (limit) => resets.deleteExpired(new Date(), limit),
      { intervalMs: options.sweepIntervalMs, batch: SWEEP_BATCH },
      (error) =>
        this.logger.warn('expired password resets could not be deleted; trying again in an hour', error),
    );
  }

  get enabled(): boolean {
    return this.mailer.enabled;
  }

  onApplicationBootstrap(): void {
    if (this.enabled) this.outbox.start();
    this.sweep.start();
  }

  /** The mail that is on its way is waited for, for a moment; what is still due stays due in the table. */
  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.pause);
    const farewell = setTimeout(() => this.stop.abort(), this.options.farewellMs);
    await Promise.all([this.outbox.stop(), this.sweep.stop()]);
    await Promise.all(this.sending);
    clearTimeout(farewell);
  }

  /**
   * There may be something to send. Not at once: the work is more for an address that somebody has, and whoever sends
   * one request behind the other would feel the difference.
   */
  nudge(): void {
    if (!this.enabled || this.outbox.isStopped) return;
    this.pause ??= setTimeout(() => {
      this.pause = undefined;
      this.outbox.nudge();
    }, this.options.pauseMs).unref();
  }

  /** @returns false when nothing is due */
  private async deliverNext(): Promise<boolean> {
    const now = Date.now();
    const row = await this.resets.claimDue(new Date(now), new Date(now + this.options.leaseMs));
    if (row === null) return false;
    // Nobody has a token of the other one: it could not be made.
    const keyId = this.tokens.usableKeyId(row.keyId);
    if (await this.isBuried(row)) await this.resets.delete(row.id);
    else if (await this.accept(row, keyId)) {
      const sending = this.send(row, keyId).finally(() => this.sending.delete(sending));
      this.sending.add(sending);
      if (this.sending.size >= MAXIMUM_SENDING) await Promise.race(this.sending);
    }
    return true;
  }

  private async send(row: StoredReset, keyId: string): Promise<void> {
    try {
      const link = this.tokens.linkTo({ id: row.id, keyId });
      await this.mailer.send(passwordResetMail(row, link), this.stop.signal).then(
        () => this.resets.markMailed(row.id),
        (error: unknown) => this.putOff(row, error),
      );
    } catch (error) {
      // It is due again when its lease has ended.
      this.logger.warn('sending mail paused', error);
    }
  }

  /** Finds whose it is. What nobody is to have is deleted. @returns whether the mail is to go out */
  private accept(row: StoredReset, keyId: string): Promise<boolean> {
    return this.unitOfWork.write(async () => {
      const found = await this.users.findByEmail(row.email);
      // Takes turns with what makes links useless.
      const user = found && (await this.users.lock(found.id));
      const isWanted =
        user !== null &&
        user.email === row.email &&
        (row.userId === null || row.userId === user.id) &&
        !user.disabled &&
        row.expiresAt > new Date();
      if (isWanted) return this.resets.assign(row.id, { userId: user.id, keyId });
      await this.resets.delete(row.id);
      return false;
    });
  }

  /**
   * By mailbox, and not in the table: links go when a password or an address is changed, or a user is erased, and
   * whoever has an account under somebody else's address can do so again and again.
   */
  private async isBuried({ email, purpose, userId }: StoredReset): Promise<boolean> {
    // Let through before: only tried again.
    if (purpose !== 'forgotten' || userId !== null) return false;
    const key = `mail:${this.mailboxOf(email)}`;
    const count = await this.counts.increment(key, RESET_LIFETIME_MS, MAXIMUM_MAILS, 0, 'mail');
    return count.isBlocked;
  }

  private async putOff(
    { id, mailAttempts, createdAt, expiresAt }: StoredReset,
    error: unknown,
  ): Promise<void> {
    // What else it may say names the address, or the link.
    this.logger.warn(`mail not sent: ${error instanceof MailNotSentError ? error.message : 'unknown'}`);
    const lifetime = expiresAt.getTime() - createdAt.getTime();
    const delay = Math.min(retryDelay(this.options, mailAttempts), lifetime / RETRIES_PER_LIFETIME);
    await this.resets.putOff(id, new Date(Date.now() + (this.outbox.isStopped ? 0 : delay)));
  }
}
