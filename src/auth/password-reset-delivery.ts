import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { requestContext } from '../common/http/request-context.js';
import { Mailer, MailNotSentError } from '../common/mail/mailer.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { UsersService } from '../users/users.service.js';
import { passwordResetMail } from './password-reset-mail.js';
import { PasswordResetTokens } from './password-reset-tokens.js';
import { PasswordResetsRepository, type StoredReset } from './password-resets.repository.js';

/** When things happen, in milliseconds. */
export interface PasswordResetDeliveryOptions {
  /** From a request to the work that it makes. */
  readonly pauseMs: number;
  /** How often to look without being nudged: for retries, and for what another instance left behind. */
  readonly pollMs: number;
  /** After a mail's first failure; doubled with each further one. */
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
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

const HOUR_MS = 3_600_000;
/** However often somebody asks with an address: whose it is must not be buried under mail. */
const MAILS_PER_HOUR = 3;
/** So that a link that is good for half an hour is tried to the end. */
const RETRIES_PER_LIFETIME = 10;
const SWEEP_BATCH = 500;

/**
 * Mail goes out from the table, in the background: a row is due until the mail server has taken it or the link has
 * expired, whatever dies in between. Whose the address is, and whether anybody's at all, is looked up here and not in
 * the request, which is so the same for everybody.
 */
@Injectable()
export class PasswordResetDelivery implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('PasswordResetDelivery');
  private readonly stop = new AbortController();
  private readonly timers: NodeJS.Timeout[] = [];
  private pause: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;
  private sweeping: Promise<void> | null = null;
  private wanted = false;
  private stopped = false;

  constructor(
    private readonly resets: PasswordResetsRepository,
    private readonly tokens: PasswordResetTokens,
    private readonly users: UsersService,
    private readonly mailer: Mailer,
    private readonly unitOfWork: UnitOfWork,
    @Inject(PASSWORD_RESET_DELIVERY_OPTIONS) private readonly options: PasswordResetDeliveryOptions,
  ) {}

  get enabled(): boolean {
    return this.mailer.enabled;
  }

  onApplicationBootstrap(): void {
    if (this.enabled) {
      this.timers.push(setInterval(() => this.run(), this.options.pollMs).unref());
      this.run();
    }
    const sweep = () => {
      this.sweeping ??= this.sweep().finally(() => (this.sweeping = null));
    };
    this.timers.push(setInterval(sweep, this.options.sweepIntervalMs).unref());
    sweep();
  }

  /** The mail that is on its way is waited for, for a moment; what is still due stays due in the table. */
  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.pause);
    for (const timer of this.timers) clearInterval(timer);
    const farewell = setTimeout(() => this.stop.abort(), this.options.farewellMs);
    await Promise.all([this.running, this.sweeping]);
    clearTimeout(farewell);
  }

  /**
   * There may be something to send. Not at once: the work is more for an address that somebody has, and whoever sends
   * one request behind the other would feel the difference.
   */
  nudge(): void {
    if (!this.enabled || this.stopped) return;
    this.pause ??= setTimeout(() => {
      this.pause = undefined;
      this.run();
    }, this.options.pauseMs).unref();
  }

  private run(): void {
    this.wanted = true;
    // Outside the request that happened to nudge: what the round logs is not about that one.
    this.running ??= requestContext
      .exit(() => this.deliverAll())
      .finally(() => {
        this.running = null;
      });
  }

  private async deliverAll(): Promise<void> {
    try {
      while (this.wanted && !this.stopped) {
        this.wanted = false;
        while (!this.stopped && (await this.deliverNext()));
      }
    } catch (error) {
      this.logger.warn('sending mail paused', error);
    }
  }

  /** @returns false when nothing is due */
  private async deliverNext(): Promise<boolean> {
    const now = Date.now();
    const row = await this.resets.claimDue(new Date(now), new Date(now + this.options.leaseMs));
    if (row === null) return false;
    // Nobody has a token of the other one: it could not be made.
    const keyId = this.tokens.usableKeyId(row.keyId);
    if (!(await this.accept(row, keyId))) return true;
    try {
      await this.mailer.send(
        passwordResetMail(row, this.tokens.linkTo({ id: row.id, keyId })),
        this.stop.signal,
      );
    } catch (error) {
      await this.putOff(row, error);
      return true;
    }
    await this.resets.markMailed(row.id);
    return true;
  }

  /** Finds whose it is. What nobody is to have is deleted. @returns whether the mail is to go out */
  private accept(row: StoredReset, keyId: string): Promise<boolean> {
    return this.unitOfWork.write(async () => {
      const found = await this.users.findByEmail(row.email);
      // They take turns: two instances must not both find one mail too few.
      const user = found && (await this.users.lock(found.id));
      const now = Date.now();
      const isWanted =
        user !== null &&
        user.email === row.email &&
        (row.userId === null || row.userId === user.id) &&
        !user.disabled &&
        row.expiresAt.getTime() > now &&
        (row.purpose !== 'forgotten' ||
          (await this.resets.countForgotten(user.id, new Date(now - HOUR_MS), row.id)) < MAILS_PER_HOUR);
      if (isWanted) return this.resets.assign(row.id, { userId: user.id, keyId });
      await this.resets.delete(row.id);
      return false;
    });
  }

  private async putOff(
    { id, mailAttempts, createdAt, expiresAt }: StoredReset,
    error: unknown,
  ): Promise<void> {
    // What else it may say names the address, or the link.
    this.logger.warn(`mail not sent: ${error instanceof MailNotSentError ? error.message : 'unknown'}`);
    const { firstRetryMs, longestRetryMs } = this.options;
    const lifetime = expiresAt.getTime() - createdAt.getTime();
    const delay = Math.min(firstRetryMs * 2 ** mailAttempts, longestRetryMs, lifetime / RETRIES_PER_LIFETIME);
    await this.resets.putOff(id, new Date(Date.now() + (this.stopped ? 0 : delay)));
  }

  /**
   * Deletes what has expired, in small transactions; later than an hour after it was asked for, which is how long it is
   * counted.
   */
  private async sweep(): Promise<void> {
    const now = Date.now();
    const hourAgo = new Date(now - HOUR_MS);
    try {
      while (
        !this.stopped &&
        (await this.resets.deleteExpired(new Date(now), hourAgo, SWEEP_BATCH)) === SWEEP_BATCH
      );
    } catch (error) {
      this.logger.warn('expired password resets could not be deleted; trying again in an hour', error);
    }
  }
}
