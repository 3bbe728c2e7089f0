import type { EntityManager, QueryRunner } from 'typeorm';

type Query = (...statement: Parameters<QueryRunner['query']>) => Promise<any>;

/**
 * Everything that `work` does with its manager happens, or nothing of it. What TypeORM leaves to the drivers, and
 * they do not do:
 *
 * - Statements run one after the other, so that none is under way when the end comes.
 * - After one that failed none runs, COMMIT included, though the error was caught. PostgreSQL would turn that COMMIT
 *   into a rollback and call it a success. SQLite has, after some errors (a full disk), rolled back by itself, and
 *   would keep each statement that follows on its own.
 * - After the end none runs. On SQLite's one connection it would land in nobody's transaction or a stranger's.
 *
 * @param runner that nobody has used: TypeORM's count of open transactions is then right
 * @param rollbackFailed what to do with a connection that did not even roll back
 */
export async function inTransaction<T>(
  runner: QueryRunner,
  work: (manager: EntityManager) => Promise<T>,
  rollbackFailed: (error: Error) => unknown,
): Promise<T> {
  const query = runner.query.bind(runner) as Query;
  let last: Promise<unknown> = Promise.resolve();
  runner.query = ((...statement) => (last = last.then(() => query(...statement)))) as Query;
  const end = () => {
    runner.query = () => Promise.reject(new Error('the transaction that this belongs to has ended'));
  };
  try {
    await runner.startTransaction();
    const result = await work(runner.manager);
    end();
    await last;
    await query('COMMIT');
    return result;
  } catch (error) {
    end();
    await last.catch(() => undefined);
    await query('ROLLBACK').catch(rollbackFailed);
    throw error;
  }
}
