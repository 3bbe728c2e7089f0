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

/** Not a secret. It makes the pre-hash specific to this server when no pepper is set. */
const NO_PEPPER = 'watchlist-api password pre-hash v0';

/**
 * bcrypt shares libuv's four threads with SQLite, DNS and files. More hashes at a time would delay every query by
 * seconds, and a longer queue could not be answered in time.
 */
const MAXIMUM_RUNNING = 2;
const MAXIMUM_WAITING = 16;

type HashVersion = 'v0' | 'v1';

/**
 * `v0$<bcrypt>` without a pepper, `v1$<bcrypt>` with one. bcrypt ignores everything after 72 bytes, so it gets the 64
 * characters of base64(HMAC-SHA-384(key, NFC(password))).
 */
@Injectable()
export class PasswordHasher implements OnModuleInit {
  private readonly slots = bulkhead(MAXIMUM_RUNNING, MAXIMUM_WAITING);
  private readonly current: HashVersion;
  /** Compared with the password of an unknown user. It has the same cost, so that the check takes as long. */
  private dummyHash!: string;

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly users: UsersService,
    @Inject(METRICS) metrics: Metrics | null,
  ) {
    this.current = env.PASSWORD_PEPPER === undefined ? 'v0' : 'v1';
    this.reportTo(metrics);
  }

  /** @throws InvalidEnvironmentError when the database has hashes that need the missing pepper */
  async onModuleInit(): Promise<void> {
    if (this.current === 'v0' && (await this.users.existsWithHashVersion('v1'))) {
      throw new InvalidEnvironmentError([
        'PASSWORD_PEPPER is empty, but the database has passwords that were hashed with a pepper',
      ]);
    }
    this.dummyHash = await this.hashPassword(randomBytes(16).toString('hex'));
  }

  /** @throws OverloadedError when too many are waiting */
  async hashPassword(password: string): Promise<string> {
    const input = this.preHash(password, this.current);
    return `${this.current}$${await this.withSlot(() => bcrypt.hash(input, this.env.BCRYPT_COST))}`;
  }

  /**
   * @param stored the user's hash; undefined for an unknown user, which takes as long and returns false
   * @throws OverloadedError when too many are waiting
   */
  async checkPassword(password: string, stored: string | undefined): Promise<boolean> {
    const [, version, hash] = /^(v[01])\$(.+)$/.exec(stored ?? this.dummyHash)! as unknown as [
      string,
      HashVersion,
      string,
    ];
    const input = this.preHash(password, version);
    return (await this.withSlot(() => bcrypt.compare(input, hash))) && stored !== undefined;
  }

  /** True for a hash whose version or cost differs from the current configuration. */
  isOutdated(stored: string): boolean {
    const [version, hash] = [stored.slice(0, 2), stored.slice(3)];
    return version !== this.current || bcrypt.getRounds(hash) !== this.env.BCRYPT_COST;
  }

  private reportTo(metrics: Metrics | null): void {
    metrics?.gauge({
      name: 'watchlist_password_hashes_running',
      help: `Passwords that are being hashed or compared, at most ${MAXIMUM_RUNNING} at a time in each process.`,
      read: () => MAXIMUM_RUNNING - this.slots.executionSlots,
    });
    metrics?.gauge({
      name: 'watchlist_password_hashes_waiting',
      help: `Passwords that wait to be hashed or compared, at most ${MAXIMUM_WAITING} in each process.`,
      read: () => MAXIMUM_WAITING - this.slots.queueSlots,
    });
    const refused = metrics?.counter({
      name: 'watchlist_password_hashes_refused_total',
      help: 'Passwords that were not checked because too many were waiting (503).',
    });
    this.slots.onReject(() => refused?.inc());
  }

  private preHash(password: string, version: HashVersion): string {
    const key = version === 'v1' ? this.env.PASSWORD_PEPPER! : NO_PEPPER;
    return createHmac('sha384', key).update(password.normalize('NFC')).digest('base64');
  }

  private async withSlot<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.slots.execute(work);
    } catch (error) {
      throw error instanceof BulkheadRejectedError ? new OverloadedError() : error;
    }
  }
}
