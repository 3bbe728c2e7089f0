import type { EntityManager, QueryRunner } from 'typeorm';

type Query = (...statement: Parameters<QueryRunner['query']>) => Promise<any>;
export type Work<T> = (manager: EntityManager) => Promise<T>;

/**
 * Everything that `works` do, one after the other, each with a manager of its own, happens, or nothing of it. What
 * TypeORM leaves to the drivers, and they do not do:
 *
 * - Statements run one after the other, so that none is under way when the end comes.
 * - After one that failed none runs, COMMIT included, though the error was caught. PostgreSQL would turn that COMMIT
 *   into a rollback and call it a success. SQLite has, after some errors (a full disk), rolled back by itself, and
 *   would keep each statement that follows on its own.
 * - After the end of a work none of its statements runs. On SQLite's one connection it would land in nobody's
 *   transaction or a stranger's.
 *
 * @param runner that nobody has used: TypeORM's count of open transactions is then right
 * @param rollbackFailed what to do with a connection that did not even roll back
 */
export async function inTransaction<T>(
  runner: QueryRunner,
  works: readonly Work<T>[],
  rollbackFailed: (error: Error) => unknown,
): Promise<T[]> {
  const query = runner.query.bind(runner) as Query;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: Query = (...statement) => (last = last.then(() => query(...statement)));
  const results: T[] = [];
  try {
    await runner.startTransaction();
    for (const work of works) {
      // The same connection and transaction, by a door that can be closed behind this work.
      const door = Object.create(runner) as QueryRunner;
      door.query = inTurn;
      try {
        results.push(await work(runner.connection.createEntityManager(door)));
      } finally {
        door.query = () => Promise.reject(new Error('the transaction that this belongs to has ended'));
      }
    }
    await last;
    await query('COMMIT');
    return results;
  } catch (error) {
    await last.catch(() => undefined);
    await query('ROLLBACK').catch(rollbackFailed);
    throw error;
  }
}
