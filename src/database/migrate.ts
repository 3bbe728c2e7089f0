import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';

/** Instances that boot together take turns on this lock. The number is arbitrary. */
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
    await acquireMigrationLock(runner, lockWaitMs);
    try {
      await executor.executePendingMigrations();
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]);
    }
  } finally {
    await runner.release();
  }
}

/** Polls for the lock, because a statement that waits for it would exceed the statement timeout. */
async function acquireMigrationLock(runner: QueryRunner, waitMs: number): Promise<void> {
  for (const deadline = Date.now() + waitMs; ; await sleep(100)) {
    const [{ locked }] = (await runner.query('SELECT pg_try_advisory_lock($1) AS locked', [
      ADVISORY_LOCK,
    ])) as [{ locked: boolean }];
    if (locked) return;
    if (Date.now() >= deadline)
      throw new Error('another instance has been migrating the database for too long');
  }
}
