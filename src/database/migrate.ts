import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';

/** Any number that is ours: instances that boot together take turns on it. */
export const ADVISORY_LOCK = 7_620_417;
const LOCK_WAIT_MS = 60_000;

/** Runs what is pending, all or nothing. On SQLite the process already has the file to itself. */
export async function migrate(dataSource: DataSource, lockWaitMs = LOCK_WAIT_MS): Promise<void> {
  const runner = dataSource.createQueryRunner();
  const executor = new MigrationExecutor(dataSource, runner);
  executor.transaction = 'all';
  if (dataSource.options.type !== 'postgres') {
    await executor.executePendingMigrations();
    return;
  }
  try {
    await lock(runner, lockWaitMs);
    try {
      await executor.executePendingMigrations();
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]);
    }
  } finally {
    await runner.release();
  }
}

/** Asked again and again rather than waited for: a statement that waits would run into the statement timeout. */
async function lock(runner: QueryRunner, waitMs: number): Promise<void> {
  for (const deadline = Date.now() + waitMs; ; await sleep(100)) {
    const [{ locked }] = (await runner.query('SELECT pg_try_advisory_lock($1) AS locked', [
      ADVISORY_LOCK,
    ])) as [{ locked: boolean }];
    if (locked) return;
    if (Date.now() >= deadline)
      throw new Error('another instance has been migrating the database for too long');
  }
}
