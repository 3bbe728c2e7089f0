import { stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { E_TIMEOUT, Mutex, withTimeout } from 'async-mutex';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { DependencyDownError, OverloadedError } from '../common/errors/common.errors.js';
import type { SqliteDatabase } from '../config/env.js';
import { isBusy } from './database-errors.js';
import { sqliteDataSource } from './data-source.js';
import type { Database } from './database.js';
import { inTransaction } from './in-transaction.js';
import { migrate } from './migrate.js';
import { lockFile, refuseForeignFile } from './sqlite-file.js';

const MAXIMUM_WAITING = 256;
const MAXIMUM_WAIT_MS = 2000;

/**
 * SQLite through TypeORM is one connection with one query runner. Left alone, a second request's transaction
 * becomes a savepoint of the first one's and goes down with it, though it was acknowledged; and readers on that
 * connection see what is not committed. Hence: writes one after the other, reads on a connection of their own.
 */
export class SqliteDatabaseConnection implements Database {
  readonly hasConcurrentWriters = false;
  private readonly logger = new Logger('Database');
  private readonly turn = withTimeout(new Mutex(), MAXIMUM_WAIT_MS);
  private readonly retryWhenBusy = retry(handleWhen(isBusy), {
    maxAttempts: 3,
    backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 200 }),
  });
  private waiting = 0;

  private constructor(
    private readonly config: SqliteDatabase,
    private readonly inode: number,
    private readonly writeSide: DataSource,
    private readonly readSide: DataSource,
    private readonly unlock: () => Promise<void>,
  ) {}

  static async open(config: SqliteDatabase, lockWaitMs?: number): Promise<SqliteDatabaseConnection> {
    await refuseForeignFile(config.file);
    const unlock = await lockFile(config.file, lockWaitMs);
    const writeSide = sqliteDataSource(config, 'write');
    const readSide = sqliteDataSource(config, 'read');
    try {
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

  get reader(): EntityManager {
    return this.readSide.manager;
  }

  async transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const release = await this.takeTurn();
    try {
      return await this.retryWhenBusy.execute(() => this.run(work));
    } finally {
      release();
    }
  }

  async ping(): Promise<void> {
    const { ino } = await stat(this.config.file);
    if (ino !== this.inode)
      throw new DependencyDownError('database', new Error('the file has been replaced'));
    await this.readSide.query('SELECT id FROM cache_epoch');
  }

  async close(): Promise<void> {
    // Whoever has a turn or waits for one comes first.
    const release = await this.turn.acquire().catch(() => () => undefined);
    await this.readSide.destroy();
    await this.writeSide.destroy();
    await this.unlock();
    release();
  }

  private async takeTurn(): Promise<() => void> {
    if (this.waiting >= MAXIMUM_WAITING) throw new OverloadedError();
    this.waiting++;
    try {
      return await this.turn.acquire();
    } catch (error) {
      throw error === E_TIMEOUT ? new OverloadedError() : error;
    } finally {
      this.waiting--;
    }
  }

  private run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    // TypeORM would hand out the one that it made first, for ever.
    (this.writeSide.driver as unknown as { queryRunner?: QueryRunner }).queryRunner = undefined;
    return inTransaction(this.writeSide.createQueryRunner(), work, (error) => {
      // After some errors (a full disk) SQLite has rolled back by itself.
      if (!error.message.includes('no transaction is active')) this.logger.error('rollback failed', error);
    });
  }
}
