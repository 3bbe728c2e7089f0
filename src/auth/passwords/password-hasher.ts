import { createHmac, randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { bulkhead, BulkheadRejectedError } from 'cockatiel';
import { OverloadedError } from '../../common/errors/common.errors.js';
import { METRICS } from '../../common/observability/metrics/metrics.module.js';
import type { Metrics } from '../../common/observability/metrics/metrics.js';
import { ENV, type Env } from '../../config/env.js';
import { InvalidEnvironmentError } from '../../config/errors.js';
import { UsersService } from '../../users/users.service.js';

/** Not a secret: it only makes the pre-hash ours when no pepper is set. */
const NO_PEPPER = 'watchlist-api password pre-hash v0';

/**
 * bcrypt shares libuv's four threads with SQLite, DNS and files: more at a time and every query waits behind
 * seconds of hashing. What is more than this many waiting could not be answered in time anyway.
 */
const RUNNING = 2;
const WAITING = 16;

type HashVersion = 'v0' | 'v1';

/**
 * `v0$<bcrypt>` without a pepper, `v1$<bcrypt>` with one. bcrypt sees base64(HMAC-SHA-384(key, NFC(password))),
 * 64 characters: by itself it would ignore everything after 72 bytes.
 */
@Injectable()
export class PasswordHasher implements OnModuleInit {
  private readonly slots = bulkhead(RUNNING, WAITING);
  private readonly current: HashVersion;
  /** What the password of an unknown user is compared with: of the same cost, so that it takes as long. */
  private dummyHash!: string;

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly users: UsersService,
    @Inject(METRICS) metrics: Metrics | null,
  ) {
    this.current = env.PASSWORD_PEPPER === undefined ? 'v0' : 'v1';
    this.reportTo(metrics);
  }

  /** @throws InvalidEnvironmentError when there are hashes that cannot be checked without the pepper */
  async onModuleInit(): Promise<void> {
    if (this.current === 'v0' && (await this.users.existsWithHashVersion('v1'))) {
      throw new InvalidEnvironmentError([
        'PASSWORD_PEPPER is empty, but there are passwords that were hashed with one',
      ]);
    }
    this.dummyHash = await this.hash(randomBytes(16).toString('hex'));
  }

  /** @throws OverloadedError when too many are waiting */
  async hash(password: string): Promise<string> {
    const input = this.preHash(password, this.current);
    return `${this.current}$${await this.inTurn(() => bcrypt.hash(input, this.env.BCRYPT_COST))}`;
  }

  /**
   * @param stored the user's hash; undefined for an unknown user: false, after the same work
   * @throws OverloadedError when too many are waiting
   */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const [, version, hash] = /^(v[01])\$(.+)$/.exec(stored ?? this.dummyHash)! as unknown as [
      string,
      HashVersion,
      string,
    ];
    const input = this.preHash(password, version);
    return (await this.inTurn(() => bcrypt.compare(input, hash))) && stored !== undefined;
  }

  /** Whether a hash was made with another version or cost than today's. */
  isOutdated(stored: string): boolean {
    const [version, hash] = [stored.slice(0, 2), stored.slice(3)];
    return version !== this.current || bcrypt.getRounds(hash) !== this.env.BCRYPT_COST;
  }

  private reportTo(metrics: Metrics | null): void {
    metrics?.gauge({
      name: 'watchlist_password_hashes_running',
      help: `Passwords that are being hashed or compared, at most ${RUNNING} at a time in each process.`,
      read: () => RUNNING - this.slots.executionSlots,
    });
    metrics?.gauge({
      name: 'watchlist_password_hashes_waiting',
      help: `Passwords that wait for that, at most ${WAITING} in each process.`,
      read: () => WAITING - this.slots.queueSlots,
    });
    const refused = metrics?.counter({
      name: 'watchlist_password_hashes_refused_total',
      help: 'Passwords that were not looked at because too many were waiting (503).',
    });
    this.slots.onReject(() => refused?.inc());
  }

  private preHash(password: string, version: HashVersion): string {
    const key = version === 'v1' ? this.env.PASSWORD_PEPPER! : NO_PEPPER;
    return createHmac('sha384', key).update(password.normalize('NFC')).digest('base64');
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.slots.execute(work);
    } catch (error) {
      throw error instanceof BulkheadRejectedError ? new OverloadedError() : error;
    }
  }
}
