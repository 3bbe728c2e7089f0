import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { RateLimitedError } from '../../common/errors/common.errors.js';
import { addressBucket } from '../../common/http/client-address.js';
import { requestContext } from '../../common/http/request-context.js';
import { METRICS } from '../../common/observability/metrics/metrics.module.js';
import type { Metrics } from '../../common/observability/metrics/metrics.js';
import { type Attempt, type AttemptRules, attemptRules } from '../../common/rate-limit/attempt-log.js';
import { AttemptStorage } from '../../common/rate-limit/attempt-storage.js';
import { refusalsIn } from '../../common/rate-limit/refusals-counter.js';
import { ENV, type Env } from '../../config/env.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { UsersService } from '../../users/users.service.js';
import { pseudonyms } from '../access/token-signer.js';

/** Whose password is tried; with id and session for somebody who is signed in and is asked for it again. */
export interface Tried {
  readonly email: string;
  readonly id?: number;
  readonly sessionId?: string;
}

/**
 * Against guessing one account's password: after some wrong ones each further try has to wait, longer and longer.
 * Counted per account and address, and per account over all addresses but those where its owner is signed in, so that
 * whoever guesses from elsewhere does not keep the owner out. Who is signed in already is counted by their session,
 * which nobody else can use up.
 */
@Injectable()
export class PasswordAttempts {
  private readonly rules: AttemptRules | null;
  private readonly accountOf: (email: string) => string;
  private readonly refusals: ReturnType<typeof refusalsIn>;

  constructor(
    @Inject(ENV) env: Env,
    private readonly storage: AttemptStorage,
    private readonly sessions: SessionsService,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    @Inject(METRICS) metrics: Metrics | null,
  ) {
    this.refusals = refusalsIn(metrics);
    this.rules = env.RATE_LIMIT_ACCOUNT === null ? null : attemptRules(env.RATE_LIMIT_ACCOUNT);
    this.accountOf = pseudonyms(env.JWT_KEYS, 'account name');
  }

  /**
   * Makes an attempt, if it is its time; whether there is such an account plays no part in that.
   *
   * @param check hashes, and comes back with null when the password was wrong
   * @throws RateLimitedError
   */
  async check<T>(tried: Tried, check: () => Promise<T | null>): Promise<T | null> {
    if (this.rules === null) return check();
    const attempt = await this.reserve(tried, this.rules);
    let result: T | null;
    try {
      result = await check();
    } catch (error) {
      // No password was found wrong: the server could not look.
      await this.storage.giveBack(attempt);
      throw error;
    }
    if (result !== null) await this.storage.clear(attempt);
    return result;
  }

  /** Nothing is held against this account any more, where it is tried from now and over all addresses. */
  forget(email: string): Promise<void> {
    const place = addressBucket(requestContext.get()!.address);
    return this.storage.clear({ account: this.accountOf(email), place, isKnown: false });
  }

  /** @throws RateLimitedError */
  private async reserve(tried: Tried, rules: AttemptRules): Promise<Attempt> {
    const address = requestContext.get()!.address;
    const isSignedIn = tried.sessionId !== undefined;
    const attempt = {
      account: this.accountOf(tried.email),
      place: isSignedIn ? `session:${tried.sessionId}` : addressBucket(address),
      isKnown: isSignedIn,
    };
    let verdict = await this.storage.reserve(attempt, rules);
    if (verdict.isFirstRefusal) await this.record(tried);
    // Only now: while nobody attacks the account, nobody has to look.
    if (verdict.onlyByAccount && (await this.sessions.isUsedFrom(tried.email, address))) {
      attempt.isKnown = true;
      verdict = await this.storage.reserve(attempt, rules);
    }
    if (verdict.allowed) return attempt;
    this.refusals?.inc({ policy: 'account' });
    throw new RateLimitedError(Math.ceil(verdict.waitMs / 1000));
  }

  /** Once per count: a flood of refusals must not fill the table. */
  private async record({ email, id }: Tried): Promise<void> {
    await this.audit.record({
      actor: { id: id ?? null, email },
      action: 'auth.login_throttled',
      resourceType: 'user',
      resourceId: id ?? (await this.users.findByEmail(email))?.id ?? null,
      changes: {},
    });
  }
}
