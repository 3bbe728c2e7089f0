import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';

/**
 * Instances that boot together take turns on this lock. It belongs to a transaction and not to a session: a pooler can
 * run the statement that releases a session's lock on another connection. The number is arbitrary.
 */
export const ADVISORY_LOCK = 7_620_417;
const LOCK_WAIT_MS = 60_000;

/** Runs all pending migrations, all or nothing. SQLite needs no lock here, because the process already owns the file. */
export async function migrate(dataSource: DataSource, lockWaitMs = LOCK_WAIT_MS): Promise<void> {
  const runner = dataSource.createQueryRunner();
  const executor = new MigrationExecutor(dataSource, runner);
  executor.transaction = 'all';
  if (dataSource.options.type !== 'postgres') {
    await executor.executePendingMigrations();
    return;
  }
  try {
    // At a higher level the transaction would not see what another instance commits while this one waits.
    await runner.startTransaction('READ COMMITTED');
    await acquireMigrationLock(runner, lockWaitMs);
    await executor.executePendingMigrations();
    await runner.commitTransaction();
  } catch (error) {
    // The first error says more than that of a connection that is lost.
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  } finally {
    await runner.release();
  }
}

/** Polls for the lock, because a statement that waits for it would exceed the statement timeout. */
async function acquireMigrationLock(runner: QueryRunner, waitMs: number): Promise<void> {
  for (const deadline = Date.now() + waitMs; ; await sleep(100)) {
    const [{ locked }] = (await runner.query('SELECT pg_try_advisory_xact_lock($1) AS locked', [
      ADVISORY_LOCK,
    ])) as [{ locked: boolean }];
    if (locked) return;
    if (Date.now() >= deadline)
      throw new Error('another instance has been migrating the database for too long');
  }
}
