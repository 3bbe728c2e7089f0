import { AsyncResource } from 'node:async_hooks';
import { stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { withoutVariables } from '../../../common/async-variable.js';
import { DependencyDownError, OverloadedError } from '../../../common/errors/common.errors.js';
import { activeSpans, withSpans } from '../../../common/observability/tracing/trace-context.js';
import type { SqliteDatabase } from '../../../config/env-fields.js';
import { isBusy } from '../../errors.js';
import { type Schema, sqliteDataSource } from '../../data-source.js';
import type { Database } from '../database-driver.js';
import { inTransaction, type Work } from '../../transaction.js';
import { migrate } from '../../migrate.js';
import { createFile, lockFile, refuseForeignFile } from './sqlite-file.js';

const MAXIMUM_WAITING = 256;
/** As long as on PostgreSQL (data-source.ts): a slow disk makes a hundred writers wait, and should fail none. */
const MAXIMUM_WAIT_MS = 5000;
/** Bounds how long the first of a group waits for the last. */
const MAXIMUM_GROUP = 16;

interface Waiting {
  readonly work: Work<any>;
  readonly by: ReturnType<typeof activeSpans.get>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  readonly timer: NodeJS.Timeout;
}

/**
 * SQLite through TypeORM is one connection with one query runner. Left alone, a second request's transaction
 * becomes a savepoint of the first one's and goes down with it, though it was acknowledged; and readers on that
 * connection see what is not committed. Hence: writes one after the other, reads on a connection of their own.
 *
 * Those that have come while others were written share one transaction, and with it the wait for the disk. None is
 * acknowledged before it is committed, and one that fails is alone with that: the others are done again without it.
 */
export class SqliteDatabaseConnection implements Database {
  readonly hasConcurrentWriters = false;
  private readonly logger = new Logger('Database');
  private readonly retryWhenBusy = retry(handleWhen(isBusy), {
    maxAttempts: 3,
    backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 200 }),
  });
  private readonly queue: Waiting[] = [];
  private writing: Promise<void> | undefined;

  private constructor(
    private readonly config: SqliteDatabase,
    private readonly inode: number,
    private readonly writeSide: DataSource,
    private readonly readSide: DataSource,
    private readonly unlock: () => Promise<void>,
  ) {}

  static async open(
    config: SqliteDatabase,
    schema: Schema,
    lockWaitMs?: number,
  ): Promise<SqliteDatabaseConnection> {
    await refuseForeignFile(config.file);
    const unlock = await lockFile(config.file, lockWaitMs);
    const writeSide = sqliteDataSource(config, schema, 'write');
    const readSide = sqliteDataSource(config, schema, 'read');
    try {
      await createFile(config.file);
      await writeSide.initialize();
      // With WAL the default is NORMAL, which loses acknowledged writes when the power goes.
      await writeSide.query('PRAGMA synchronous = FULL');
      await migrate(writeSide);
      await readSide.initialize();
      const { ino } = await stat(config.file);
      return new SqliteDatabaseConnection(config, ino, writeSide, readSide, unlock);
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
      // Whoever's turn it is runs it: it must still know on whose behalf.
      const by = activeSpans.get();
      const waiting = { work: AsyncResource.bind(work), by, resolve, reject, timer } as Waiting;
      this.queue.push(waiting);
      this.writing ??= withoutVariables(() => this.writeAll());
    });
  }

  async ping(): Promise<void> {
    await this.refuseReplacedFile();
    await this.readSide.query('SELECT id FROM cache_epoch');
  }

  /** What is written into a file that is not under its name any more would be lost with the next start. */
  private async refuseReplacedFile(): Promise<void> {
    const found = await stat(this.config.file).catch(() => null);
    if (found?.ino !== this.inode)
      throw new DependencyDownError('database', new Error('the file has been removed or replaced'));
  }

  async close(): Promise<void> {
    // Whoever writes or waits for that comes first.
    await this.writing;
    await this.readSide.destroy();
    await this.writeSide.destroy();
    await this.unlock();
  }

  /** Never rejects: each error belongs to somebody who waits. */
  private async writeAll(): Promise<void> {
    while (this.queue.length > 0) {
      const group = this.queue.splice(0, MAXIMUM_GROUP);
      for (const { timer } of group) clearTimeout(timer);
      await this.write(group);
    }
    this.writing = undefined;
  }

  private async write(group: readonly Waiting[]): Promise<void> {
    try {
      await this.refuseReplacedFile();
      const results = await withSpans(
        group.map(({ by }) => by),
        () => this.retryWhenBusy.execute(() => this.run(group.map(({ work }) => work))),
      );
      group.forEach(({ resolve }, index) => resolve(results[index]));
    } catch (error) {
      // Nobody could write now; each would only wait for the same lock again.
      if (group.length === 1 || isBusy(error) || error instanceof DependencyDownError)
        for (const { reject } of group) reject(error);
      else for (const each of group) await this.write([each]);
    }
  }

  private run(works: readonly Work<unknown>[]): Promise<unknown[]> {
    // TypeORM would hand out the one that it made first, for ever.
    (this.writeSide.driver as unknown as { queryRunner?: QueryRunner }).queryRunner = undefined;
    return inTransaction(this.writeSide.createQueryRunner(), works, {
      isPipelined: false,
      rollbackFailed: (error) => {
        // After some errors (a full disk) SQLite has rolled back by itself.
        if (!error.message.includes('no transaction is active')) this.logger.error('rollback failed', error);
      },
    });
  }
}
