import type { EntityManager, QueryRunner } from 'typeorm';

type Query = (...statement: Parameters<QueryRunner['query']>) => Promise<any>;
export type Work<T> = (manager: EntityManager) => Promise<T>;

interface Options {
  /**
   * Whether the connection takes statements before it has answered the last, and refuses, by itself, all of a
   * transaction after one that failed. They then travel together: one trip where there were several.
   */
  readonly isPipelined: boolean;
  /** What to do with a connection that did not even roll back. */
  rollbackFailed(error: Error): unknown;
}

/**
 * Everything that `works` do, one after the other, each with a manager of its own, happens, or nothing of it. What
 * TypeORM leaves to the drivers, and they do not do:
 *
 * - Statements run one after the other, so that none is under way when the end comes.
 * - After one that failed none runs, or counts, COMMIT included, though the error was caught. PostgreSQL turns that
 *   COMMIT into a rollback and calls it a success. SQLite has, after some errors (a full disk), rolled back by itself,
 *   and would keep each statement that follows on its own.
 * - After the end of a work none of its statements runs. On SQLite's one connection it would land in nobody's
 *   transaction or a stranger's.
 *
 * @param runner that nobody has used
 */
export async function inTransaction<T>(
  runner: QueryRunner,
  works: readonly Work<T>[],
  { isPipelined, rollbackFailed }: Options,
): Promise<T[]> {
  const query = runner.query.bind(runner) as Query;
  const answers: Promise<unknown>[] = [];
  /** Rejects as soon as one of them failed. */
  let all: Promise<unknown> = Promise.resolve();
  const send: Query = (...statement) => {
    const answer = isPipelined ? query(...statement) : all.then(() => query(...statement));
    answers.push(answer);
    all = isPipelined ? Promise.all([all, answer]) : answer;
    // Whoever sent it may not wait for it; the end does.
    all.catch(() => undefined);
    return answer;
  };
  const results: T[] = [];
  await runner.connect();
  try {
    void send('BEGIN');
    // As TypeORM's own begin does.
    Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 });
    for (const work of works) {
      // The same connection and transaction, by a door that can be closed behind this work.
      const door = Object.create(runner) as QueryRunner;
      door.query = send;
      try {
        results.push(await work(runner.connection.createEntityManager(door)));
      } finally {
        door.query = () => Promise.reject(new Error('the transaction that this belongs to has ended'));
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
