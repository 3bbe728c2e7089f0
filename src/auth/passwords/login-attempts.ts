import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { RateLimitedError } from '../../common/errors/common.errors.js';
import { addressBucket } from '../../common/http/client-address.js';
import { requestContext } from '../../common/http/request-context.js';
import { METRICS } from '../../common/observability/metrics/metrics.module.js';
import type { Metrics } from '../../common/observability/metrics/metrics.js';
import { refusalsCounter } from '../../common/rate-limit/refusals-counter.js';
import { REDIS } from '../../common/redis/redis.module.js';
import type { RedisConnection } from '../../common/redis/redis-connection.js';
import { ENV, type Env } from '../../config/env.js';
import { UsersService } from '../../users/users.service.js';
import { pseudonymizer } from '../access/token-signer.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { Lockout } from './lockout.js';

/** The account whose password is tried; with a session when a signed-in user must enter the password again. */
export interface PasswordTarget {
  readonly email: string;
  readonly id?: number;
  readonly sessionId?: string;
}

/** A counter that a try uses up. */
type Counter = readonly [lockout: Lockout, key: string];

/**
 * `LOGIN_LOCKOUT` wrong passwords are free per account and address; then that address is locked out of the account.
 * Four times as many from all addresses together lock the account, except for addresses where its owner is signed in.
 */
@Injectable()
export class LoginAttempts {
  private readonly perOrigin: Lockout | null = null;
  private readonly perAccount: Lockout | null = null;
  private readonly pseudonymOf: (email: string) => string;
  private readonly refusals: ReturnType<typeof refusalsCounter>;

  constructor(
    @Inject(ENV) { LOGIN_LOCKOUT: rule, JWT_KEYS }: Env,
    @Inject(REDIS) redis: RedisConnection | null,
    private readonly sessions: SessionsService,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    @Inject(METRICS) metrics: Metrics | null,
  ) {
    if (rule !== null) {
      this.perOrigin = new Lockout('lockout:origin', rule.limit, rule.windowSeconds, redis);
      this.perAccount = new Lockout('lockout:account', 4 * rule.limit, rule.windowSeconds, redis);
    }
    this.pseudonymOf = pseudonymizer(JWT_KEYS, 'account name');
    this.refusals = refusalsCounter(metrics);
  }

  /**
   * Checks a password unless the account is locked, whether or not the account exists.
   *
   * @param verify hashes, and returns null when the password is wrong
   * @throws RateLimitedError
   */
  async attempt<T>(target: PasswordTarget, verify: () => Promise<T | null>): Promise<T | null> {
    const counters = await this.consume(target);
    let result: T | null;
    try {
      result = await verify();
    } catch (error) {
      // The server could not check the password, so it was not a wrong one.
      await refund(counters);
      throw error;
    }
    if (result !== null) await reset(counters);
    return result;
  }

  /** Unlocks the account for the caller's address and for all addresses together. */
  async reset(email: string): Promise<void> {
    await reset(this.countersOf({ email }));
  }

  /** @throws RateLimitedError */
  private async consume(target: PasswordTarget): Promise<Counter[]> {
    const passed: Counter[] = [];
    for (const counter of this.countersOf(target)) {
      const [lockout, key] = counter;
      const { consumedPoints, msBeforeNext } = await lockout.consume(key);
      if (consumedPoints === lockout.freeTries + 1) await this.recordLockout(target);
      if (consumedPoints <= lockout.freeTries) passed.push(counter);
      else if (lockout === this.perOrigin || !(await this.isTrustedOrigin(target))) {
        await refund(passed);
        this.refusals?.inc({ policy: 'account' });
        throw new RateLimitedError(Math.max(1, Math.ceil(msBeforeNext / 1000)));
      }
    }
    return passed;
  }

  private countersOf({ email, sessionId }: PasswordTarget): Counter[] {
    if (this.perOrigin === null || this.perAccount === null) return [];
    const account = this.pseudonymOf(email);
    // Only the owner can use up the tries of a session, so a session needs no wider count.
    if (sessionId !== undefined) return [[this.perOrigin, `${account}:session:${sessionId}`]];
    const origin = addressBucket(requestContext.get()!.address);
    return [
      [this.perOrigin, `${account}:${origin}`],
      [this.perAccount, account],
    ];
  }

  /** Runs only while the account is locked, so that other logins need no query. */
  private isTrustedOrigin({ email }: PasswordTarget): Promise<boolean> {
    return this.sessions.isUsedFrom(email, requestContext.get()!.address);
  }

  private async recordLockout({ email, id }: PasswordTarget): Promise<void> {
    await this.audit.recordAudit({
      actor: { id: id ?? null, email },
      action: 'auth.login_throttled',
      resourceType: 'user',
      resourceId: id ?? (await this.users.findByEmail(email))?.id ?? null,
      changes: {},
    });
  }
}

async function refund(counters: readonly Counter[]): Promise<void> {
  await Promise.all(counters.map(([lockout, key]) => lockout.refund(key)));
}

async function reset(counters: readonly Counter[]): Promise<void> {
  await Promise.all(counters.map(([lockout, key]) => lockout.reset(key)));
}
