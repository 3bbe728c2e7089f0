import { Logger } from '@nestjs/common';
import type { EntityManager, FindOneOptions } from 'typeorm';
import { AsyncVariable } from '../common/async-variable.js';
import { ShuttingDownError } from '../common/errors/common.errors.js';
import type { DatabaseDriver } from './drivers/database-driver.js';
import { toDomainError } from './errors.js';

interface Transaction {
  readonly manager: EntityManager;
  readonly afterCommit: (() => void)[];
  ended: boolean;
}

/** PostgreSQL's time, as exactly as a column can hold it: a time that was stored is never later. */
export const POSTGRES_NOW = "date_trunc('milliseconds', statement_timestamp())";

/**
 * The only way to the database. `write` is one transaction, and writes inside it join it. `read` sees committed data;
 * inside a write it also sees that write's changes.
 *
 * A write must only use the database. Hashing, Redis or HTTP inside it would make every other writer wait.
 */
export class UnitOfWork {
  private readonly logger = new Logger(UnitOfWork.name);
  private readonly current = new AsyncVariable<Transaction>();
  private closed = false;
  private pendingPing: Promise<void> | undefined;

  constructor(
    private readonly driver: DatabaseDriver,
    /** Identifies this database's contents (cache-epoch.entity.ts). */
    readonly epoch: string,
  ) {}

  /** True when a write must lock the rows that it bases a decision on. */
  get hasConcurrentWriters(): boolean {
    return this.driver.hasConcurrentWriters;
  }

  /** Find options that lock the rows until the transaction ends. SQLite needs no lock, because it has one writer. */
  forUpdate({ skipLocked = false } = {}): Pick<FindOneOptions, 'lock'> {
    if (!this.hasConcurrentWriters) return {};
    return { lock: { mode: 'pessimistic_write', ...(skipLocked && { onLocked: 'skip_locked' }) } };
  }

  /** True when the caller runs inside a write. */
  get isWriting(): boolean {
    return this.openTransaction() !== undefined;
  }

  /**
   * A failed statement rolls everything back, even if its error is caught. `work` can run more than once.
   *
   * @throws DependencyDownError when the database is unavailable, OverloadedError when too many writers wait
   */
  async write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const outer = this.openTransaction();
    if (outer) return work(outer.manager);
    if (this.closed) throw new ShuttingDownError();
    const afterCommit: (() => void)[] = [];
    try {
      const result = await this.driver.transaction(async (manager) => {
        // A retry starts from nothing.
        afterCommit.length = 0;
        const transaction: Transaction = { manager, afterCommit, ended: false };
        try {
          return await this.current.run(transaction, () => work(manager));
        } finally {
          transaction.ended = true;
        }
      });
      for (const callback of afterCommit) this.runAfterCommit(callback);
      return result;
    } catch (error) {
      throw toDomainError(error);
    }
  }

  /** @throws DependencyDownError when the database is unavailable */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const outer = this.openTransaction();
    if (outer) return work(outer.manager);
    if (this.closed) throw new ShuttingDownError();
    try {
      return await work(this.driver.reader);
    } catch (error) {
      throw toDomainError(error);
    }
  }

  /** Runs `callback` once the transaction is committed, but not if it fails. The callback must not throw. */
  afterCommit(callback: () => void): void {
    const transaction = this.openTransaction();
    if (!transaction) throw new Error('afterCommit was called outside a write');
    transaction.afterCommit.push(callback);
  }

  /** How many callers wait for a connection or for their turn to write. */
  get waiting(): number {
    return this.driver.waiting;
  }

  /** Makes a small write, because a database can answer and accept no writes. Concurrent calls share it. */
  ping(): Promise<void> {
    this.pendingPing ??= this.driver.ping().finally(() => (this.pendingPing = undefined));
    return this.pendingPing;
  }

  /** The database's time where several instances share it, because the clocks of their machines differ. */
  async now(): Promise<Date> {
    if (!this.hasConcurrentWriters) return new Date();
    const [row] = await this.read((manager) =>
      manager.query<[{ now: Date }]>(`SELECT ${POSTGRES_NOW} AS now`),
    );
    return row.now;
  }

  /** Refuses later reads and writes. */
  close(): Promise<void> {
    this.closed = true;
    return this.driver.close();
  }

  private openTransaction(): Transaction | undefined {
    const transaction = this.current.get();
    // Code that was not awaited outlives its transaction. Its statements would join no transaction or a foreign one.
    if (transaction?.ended) throw new Error('the transaction of this call has ended');
    return transaction;
  }

  private runAfterCommit(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.logger.error('an after-commit callback failed', error);
    }
  }
}
