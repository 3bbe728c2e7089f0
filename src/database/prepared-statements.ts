import type { Duplex } from 'node:stream';
import { LRUCache } from 'lru-cache';
import pg from 'pg';
import sqlite3 from 'sqlite3';

/**
 * TypeORM hands its drivers every statement as text, to be parsed and planned anew each time: half of what a small
 * statement costs. Here each text is prepared once per connection. Beyond so many (lists of ids have a text for each
 * length) the rest is handled as TypeORM would.
 */
const MAXIMUM_STATEMENTS = 200;
/** Of one text: what readers need who ask at the same time. */
const MAXIMUM_IDLE = 16;

type Callback = (this: sqlite3.Statement, error: Error | null, rows?: unknown[]) => void;

/** Only what TypeORM calls more than once and without side effects on the connection itself. */
const WORTH_KEEPING = /^(SELECT|INSERT|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK)\b/;

class PreparingDatabase extends sqlite3.Database {
  /** Those that nobody uses at the moment. A statement does one thing at a time: readers must not wait for each other. */
  private readonly idle = new LRUCache<string, sqlite3.Statement[]>({
    max: MAXIMUM_STATEMENTS,
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
    const answered = callback as Callback;
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

/** The driver as TypeORM is to see it. Its `verbose()`, which TypeORM calls, would capture a stack with every call. */
export const PREPARING_SQLITE3 = Object.assign(Object.create(sqlite3) as typeof sqlite3, {
  verbose: () => PREPARING_SQLITE3,
  Database: PreparingDatabase,
});

const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  if (!names.has(text) && names.size < MAXIMUM_STATEMENTS) names.set(text, `w${names.size}`);
  return names.get(text);
}

/**
 * A name makes the server keep the plan, on each connection. And what a transaction sends in one turn of the event
 * loop goes out in one write: writing to a socket is most of what a statement costs here.
 */
export class PreparingClient extends pg.Client {
  private isInTransaction = false;
  private isHoldingBack = false;

  // The many shapes of the original's arguments go through as they come.
  override query(...given: any[]): any {
    const [text, values, ...rest] = given;
    if (text === 'BEGIN') this.isInTransaction = true;
    if (this.isInTransaction && !this.isHoldingBack) this.holdBack();
    if (text === 'COMMIT' || text === 'ROLLBACK') this.isInTransaction = false;
    const isParameterised = typeof text === 'string' && Array.isArray(values) && values.length > 0;
    return isParameterised
      ? super.query({ name: nameOf(text), text } as never, values, ...(rest as []))
      : super.query(...(given as [string]));
  }

  private holdBack(): void {
    const { stream } = (this as unknown as { connection: { stream: Duplex } }).connection;
    this.isHoldingBack = true;
    stream.cork();
    setImmediate(() => {
      this.isHoldingBack = false;
      stream.uncork();
    });
  }
}
