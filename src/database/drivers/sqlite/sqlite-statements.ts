import { LRUCache } from 'lru-cache';
import sqlite3 from 'sqlite3';
import type { End, StatementTarget } from '../../../common/observability/tracing/spans.js';
import { tracing } from '../../../common/observability/tracing/tracing.js';

/** Texts that are kept prepared: TypeORM sends each statement as text, and parsing it is half the cost of a small one. */
const MAXIMUM_TEXTS = 200;
/** Statements of one text: enough for the readers that use it at the same time. */
const MAXIMUM_IDLE = 16;

type Callback = (this: sqlite3.Statement, error: Error | null, rows?: unknown[]) => void;

/** Only statements that TypeORM repeats and that change nothing about the connection itself. */
const WORTH_KEEPING = /^(SELECT|WITH|INSERT|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK)\b/;

const SQLITE: StatementTarget = { system: 'sqlite', attributes: {} };

function endingSpan(end: End, callback: Callback): Callback {
  return function (error, rows) {
    end(error ?? undefined);
    callback.call(this, error, rows);
  };
}

class PreparingDatabase extends sqlite3.Database {
  /** Statements that are not in use. A statement runs one query at a time, so concurrent readers each take their own. */
  private readonly idle = new LRUCache<string, sqlite3.Statement[]>({
    max: MAXIMUM_TEXTS,
    dispose: (statements) => {
      for (const statement of statements) statement.finalize();
    },
  });
  private isClosed = false;

  override run(text: string, ...rest: unknown[]): this {
    return WORTH_KEEPING.test(text) ? this.execute('run', text, rest) : super.run(text, ...rest);
  }

  override all(text: string, ...rest: any[]): this {
    return WORTH_KEEPING.test(text) ? this.execute('all', text, rest) : super.all(text, ...rest);
  }

  override close(callback?: (error: Error | null) => void): void {
    // SQLite does not close a connection that has statements.
    this.isClosed = true;
    this.idle.clear();
    super.close(callback);
  }

  private execute(method: 'run' | 'all', text: string, [parameters, callback]: unknown[]): this {
    const end = tracing()?.spans.statement(SQLITE, text);
    const answered: Callback =
      end === undefined ? (callback as Callback) : endingSpan(end, callback as Callback);
    const use = (statement: sqlite3.Statement) => {
      statement[method](parameters, (error: Error | null, rows?: unknown[]) => {
        if (error === null) this.keep(text, statement);
        else statement.finalize();
        answered.call(statement, error, rows);
      });
    };
    const idle = this.idle.get(text)?.pop();
    if (idle !== undefined) use(idle);
    else {
      const statement = this.prepare(text, (error: Error | null) => {
        if (error === null) use(statement);
        else answered.call(statement, error);
      });
    }
    return this;
  }

  private keep(text: string, statement: sqlite3.Statement): void {
    const idle = this.idle.get(text);
    if (this.isClosed || idle?.length === MAXIMUM_IDLE) statement.finalize();
    else if (idle === undefined) this.idle.set(text, [statement]);
    else idle.push(statement);
  }
}

/** The driver for TypeORM. TypeORM calls `verbose()`, and the original then captures a stack with every call. */
export const PREPARING_SQLITE3 = Object.assign(Object.create(sqlite3) as typeof sqlite3, {
  verbose: () => PREPARING_SQLITE3,
  Database: PreparingDatabase,
});
