import { Logger } from '@nestjs/common';
import type { EntityManager, FindOneOptions } from 'typeorm';
import { AsyncVariable } from '../common/async-variable.js';
import { ShuttingDownError } from '../common/errors/common.errors.js';
import type { Database } from './drivers/database-driver.js';
import { translated } from './errors.js';

interface Transaction {
  readonly manager: EntityManager;
  readonly afterCommit: (() => void)[];
  ended: boolean;
}

/**
 * The only way to the database. `write` is one transaction: everything in it happens or nothing, and what is
 * called within it joins it. `read` sees what is committed, or, within a write, what that write has done so far.
 *
 * Inside a write: the database only. Hashing, Redis or HTTP there would make every other writer wait for them.
 */
export class UnitOfWork {
  private readonly logger = new Logger(UnitOfWork.name);
  private readonly current = new AsyncVariable<Transaction>();
  private closed = false;

  constructor(
    private readonly database: Database,
    /** Random word of this database (cache-epoch.entity.ts). */
    readonly epoch: string,
  ) {}

  /** Whether a write must lock the rows that its decision rests on. */
  get hasConcurrentWriters(): boolean {
    return this.database.hasConcurrentWriters;
  }

  /** Find options that lock the rows until the transaction ends. SQLite needs no lock, because it has one writer. */
  forUpdate({ skipLocked = false } = {}): Pick<FindOneOptions, 'lock'> {
    if (!this.hasConcurrentWriters) return {};
    return { lock: { mode: 'pessimistic_write', ...(skipLocked && { onLocked: 'skip_locked' }) } };
  }

  /** Whether what is called now is part of a write. */
  get isWriting(): boolean {
    return this.openTransaction() !== undefined;
  }

  /**
   * A statement that fails takes everything with it, also when its error is caught. `work` may run more than once.
   *
   * @throws DependencyDownError when the database is away, OverloadedError when too many wait to write
   */
  async write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const outer = this.openTransaction();
    if (outer) return work(outer.manager);
    if (this.closed) throw new ShuttingDownError();
    const afterCommit: (() => void)[] = [];
    try {
      const result = await this.database.transaction(async (manager) => {
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
      throw translated(error);
    }
  }

  /** @throws DependencyDownError when the database is away */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const outer = this.openTransaction();
    if (outer) return work(outer.manager);
    if (this.closed) throw new ShuttingDownError();
    try {
      return await work(this.database.reader);
    } catch (error) {
      throw translated(error);
    }
  }

  /** Runs `callback` when the transaction has been committed, and not if it fails. It must not throw. */
  afterCommit(callback: () => void): void {
    const transaction = this.openTransaction();
    if (!transaction) throw new Error('afterCommit outside a write');
    transaction.afterCommit.push(callback);
  }

  /** How many wait now for a connection or for their turn to write. */
  get waiting(): number {
    return this.database.waiting;
  }

  ping(): Promise<void> {
    return this.database.ping();
  }

  /** What comes later is refused. */
  close(): Promise<void> {
    this.closed = true;
    return this.database.close();
  }

  private openTransaction(): Transaction | undefined {
    const transaction = this.current.get();
    // Something that was not awaited goes on after its transaction: its work would land in nobody's or a stranger's.
    if (transaction?.ended) throw new Error('the transaction that this belongs to has ended');
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
