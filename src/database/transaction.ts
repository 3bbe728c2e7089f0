import type { EntityManager, QueryRunner } from 'typeorm';

type Query = (...statement: Parameters<QueryRunner['query']>) => Promise<any>;
export type Work<T> = (manager: EntityManager) => Promise<T>;

interface Options {
  /** True when the connection accepts statements before it answers earlier ones, so that several share a round trip. */
  readonly isPipelined: boolean;
  /** Handles a connection that could not roll back. */
  rollbackFailed(error: Error): unknown;
}

/**
 * Runs all `works` in one transaction, in order, all or nothing. It adds what neither TypeORM nor the drivers guarantee:
 *
 * - Statements run in order, and none is still running when the transaction ends.
 * - If a statement fails, the transaction fails too, even if the error was caught. PostgreSQL would report that COMMIT
 *   as a success. SQLite rolls back by itself after some errors (a full disk) and would commit later statements one by one.
 * - Statements that a work issues after its end fail. On SQLite's one connection they would join another transaction.
 *
 * @param runner a query runner that is not in use
 */
export async function inTransaction<T>(
  runner: QueryRunner,
  works: readonly Work<T>[],
  { isPipelined, rollbackFailed }: Options,
): Promise<T[]> {
  const query = runner.query.bind(runner) as Query;
  const answers: Promise<unknown>[] = [];
  /** Rejects with the first error. */
  let all: Promise<unknown> = Promise.resolve();
  const send: Query = (...statement) => {
    const before = all;
    // PostgreSQL then only reports that the transaction has failed. The caller needs the error that made it fail.
    const answer = isPipelined
      ? query(...statement).catch((error: unknown) => before.then(() => Promise.reject(error as Error)))
      : before.then(() => query(...statement));
    answers.push(answer);
    all = isPipelined ? Promise.all([before, answer]) : answer;
    // The caller need not await it, because the end of the transaction does.
    all.catch(() => undefined);
    return answer;
  };
  const results: T[] = [];
  await runner.connect();
  try {
    void send('BEGIN');
    // TypeORM's own begin sets these too.
    Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 });
    for (const work of works) {
      // A revocable view of the runner: statements fail once this work is done.
      const scopedRunner = Object.create(runner) as QueryRunner;
      scopedRunner.query = send;
      try {
        results.push(await work(runner.connection.createEntityManager(scopedRunner)));
      } finally {
        scopedRunner.query = () => Promise.reject(new Error('the transaction of this call has ended'));
      }
    }
    void send('COMMIT');
    await all;
    return results;
  } catch (error) {
    await Promise.allSettled(answers);
    await query('ROLLBACK').catch(rollbackFailed);
    throw error;
  }
}
