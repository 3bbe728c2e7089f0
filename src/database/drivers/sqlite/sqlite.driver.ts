import { AsyncResource } from 'node:async_hooks';
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Logger } from '@nestjs/common';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { withoutVariables } from '../../../common/async-variable.js';
import { DependencyDownError, OverloadedError } from '../../../common/errors/common.errors.js';
import { activeSpans, withSpans } from '../../../common/observability/tracing/trace-context.js';
import type { SqliteConfig } from '../../../config/env-fields.js';
import { InvalidEnvironmentError } from '../../../config/errors.js';
import { isBusy, isFileFailure } from '../../errors.js';
import { type Schema, sqliteDataSource } from '../../data-source.js';
import type { DatabaseDriver } from '../database-driver.js';
import { inTransaction, type Work } from '../../transaction.js';
import { migrate } from '../../migrate.js';
import { createDatabaseFile, lockFile, refuseForeignFile } from './sqlite-file.js';

const MAXIMUM_WAITING = 256;
/** The same as on PostgreSQL (data-source.ts). A slow disk can make a hundred writers wait, and none should fail. */
const MAXIMUM_WAIT_MS = 5000;
/** Limits how long the first write of a group waits for the last. */
const MAXIMUM_GROUP_SIZE = 16;
/** Far longer than a transaction takes that only writes, also on a slow disk. */
const STALLED_AFTER_MS = 1000;
/** The write of a ping can still fit when others do not. */
const MINIMUM_FREE_BYTES = 1_048_576;

interface QueuedWrite {
  readonly work: Work<any>;
  readonly by: ReturnType<typeof activeSpans.get>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Runs writes one after the other and reads on a connection of their own. TypeORM has only one SQLite connection, on
 * which concurrent transactions would nest, share a rollback, and show uncommitted data to readers.
 *
 * Group commit: writes that arrive during a commit share the next transaction and its wait for the disk. Each is
 * acknowledged after the commit. If one fails, the driver repeats each write of the group in a transaction of its own.
 */
export class SqliteDriver implements DatabaseDriver {
  readonly hasConcurrentWriters = false;
  private readonly logger = new Logger('Database');
  private readonly retryWhenBusy = retry(handleWhen(isBusy), {
    maxAttempts: 3,
    backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 200 }),
  });
  private readonly queue: QueuedWrite[] = [];
  private writing: Promise<void> | undefined;
  private groupBegan = Infinity;

  private constructor(
    private readonly config: SqliteConfig,
    private readonly inode: number,
    private readonly writeSide: DataSource,
    private readonly readSide: DataSource,
    private readonly unlock: () => Promise<void>,
  ) {}

  /** @throws InvalidEnvironmentError when the file cannot be used */
  static async open(config: SqliteConfig, schema: Schema, lockWaitMs?: number): Promise<SqliteDriver> {
    try {
      return await SqliteDriver.openFile(config, schema, lockWaitMs);
    } catch (error) {
      if (!isFileFailure(error)) throw error;
      throw new InvalidEnvironmentError([
        `DATABASE_URL names ${config.file}, which SQLite cannot use (${(error as Error).message}); make it writable, ` +
          'make space, or restore a backup',
      ]);
    }
  }

  private static async openFile(
    config: SqliteConfig,
    schema: Schema,
    lockWaitMs?: number,
  ): Promise<SqliteDriver> {
    await refuseForeignFile(config.file);
    const unlock = await lockFile(config.file, lockWaitMs);
    const writeSide = sqliteDataSource(config, schema, 'write');
    const readSide = sqliteDataSource(config, schema, 'read');
    try {
      await createDatabaseFile(config.file);
      await writeSide.initialize();
      // With WAL the default is NORMAL, which loses acknowledged writes in a power failure.
      await writeSide.query('PRAGMA synchronous = FULL');
      await migrate(writeSide);
      await readSide.initialize();
      const { ino } = await stat(config.file);
      return new SqliteDriver(config, ino, writeSide, readSide, unlock);
    } catch (error) {
      await Promise.all([writeSide, readSide].map((side) => side.isInitialized && side.destroy()));
      await unlock();
      throw error;
    }
  }

  get waiting(): number {
    return this.queue.length;
  }

  get reader(): EntityManager {
    return this.readSide.manager;
  }

  transaction<T>(work: Work<T>): Promise<T> {
    if (this.queue.length >= MAXIMUM_WAITING) return Promise.reject(new OverloadedError());
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.queue.splice(this.queue.indexOf(waiting), 1);
        reject(new OverloadedError());
      }, MAXIMUM_WAIT_MS);
      // The current writer runs this work later, so the work keeps its caller's context and spans.
      const by = activeSpans.get();
      const waiting = { work: AsyncResource.bind(work), by, resolve, reject, timer } as QueuedWrite;
      this.queue.push(waiting);
      this.writing ??= withoutVariables(() => this.writeAll());
    });
  }

  async ping(): Promise<void> {
    const { bavail, bsize } = await statfs(dirname(this.config.file));
    if (bavail * bsize < MINIMUM_FREE_BYTES) throw new Error('the disk is full');
    try {
      await this.transaction(async (manager) => {
        // There and back, because SQLite does not write a page whose content stays the same.
        await manager.query('UPDATE cache_epoch SET id = -id');
        await manager.query('UPDATE cache_epoch SET id = -id');
      });
    } catch (error) {
      // The queue is also full when the first write never ends.
      const isStalled = performance.now() - this.groupBegan > STALLED_AFTER_MS;
      throw error instanceof OverloadedError && isStalled ? new Error('the disk does not answer') : error;
    }
  }

  /** Writes to a file that was renamed or deleted would be lost at the next start. */
  private async refuseReplacedFile(): Promise<void> {
    const found = await stat(this.config.file).catch(() => null);
    if (found?.ino !== this.inode)
      throw new DependencyDownError('database', new Error('the file has been removed or replaced'));
  }

  async close(): Promise<void> {
    // Queued writes finish first.
    await this.writing;
    await this.readSide.destroy();
    await this.writeSide.destroy();
    await this.unlock();
  }

  /** Never rejects, because each error goes to the caller that queued the write. */
  private async writeAll(): Promise<void> {
    while (this.queue.length > 0) {
      const group = this.queue.splice(0, MAXIMUM_GROUP_SIZE);
      for (const { timer } of group) clearTimeout(timer);
      await this.writeGroup(group);
    }
    this.groupBegan = Infinity;
    this.writing = undefined;
  }

  private async writeGroup(group: readonly QueuedWrite[]): Promise<void> {
    this.groupBegan = performance.now();
    try {
      await this.refuseReplacedFile();
      const results = await withSpans(
        group.map(({ by }) => by),
        () => this.retryWhenBusy.execute(() => this.runTransaction(group.map(({ work }) => work))),
      );
      group.forEach(({ resolve }, index) => resolve(results[index]));
    } catch (error) {
      // No write of the group can succeed now. A retry of each would wait for the same lock again.
      if (group.length === 1 || isBusy(error) || error instanceof DependencyDownError)
        for (const { reject } of group) reject(error);
      else for (const each of group) await this.writeGroup([each]);
    }
  }

  private runTransaction(works: readonly Work<unknown>[]): Promise<unknown[]> {
    // Otherwise TypeORM would return its first query runner every time.
    (this.writeSide.driver as unknown as { queryRunner?: QueryRunner }).queryRunner = undefined;
    return inTransaction(this.writeSide.createQueryRunner(), works, {
      isPipelined: false,
      rollbackFailed: (error) => {
        // After some errors (a full disk) SQLite rolls back by itself.
        if (!error.message.includes('no transaction is active')) this.logger.error('rollback failed', error);
      },
    });
  }
}
