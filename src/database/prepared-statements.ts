import type { Duplex } from 'node:stream';
import { LRUCache } from 'lru-cache';
import pg from 'pg';
import sqlite3 from 'sqlite3';
import type { End, StatementTarget } from '../common/observability/tracing/spans.js';
import { tracing } from '../common/observability/tracing/tracing.js';

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

const SQLITE: StatementTarget = { system: 'sqlite', attributes: {} };

function endingSpan(end: End, callback: Callback): Callback {
  return function (error, rows) {
    end(error ?? undefined);
    callback.call(this, error, rows);
  };
}

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

type Answered = (error: Error | null, result: object) => void;

/** What pg does not show of itself, and is used here. */
interface Connection {
  readonly stream: Duplex;
  /** By name, what has been sent to be prepared and has not been answered yet. */
  readonly submittedNamedStatements: Record<string, string>;
  sync(): void;
  describe(what: object): void;
}
type OpenQuery = Omit<pg.Query, 'submit'> & {
  readonly name?: string;
  readonly text: string;
  submit(connection: Connection): Error | null;
  handleError(error: Error, connection: Connection): void;
};
const OpenQuery = pg.Query as unknown as new (
  query: { name?: string; text: string; values?: unknown[]; queryMode: 'extended' },
  answered: Answered,
) => OpenQuery;
type OpenClient = pg.Client & {
  readonly connection: Connection;
  readonly _activeQuery: OpenQuery | null;
  readonly _sentQueryQueue: OpenQuery[];
  _handleCommandComplete(message: object): void;
  _handleReadyForQuery(message: { status: string }): void;
  _handleErrorMessage(error: Error): void;
};
const OpenClient = pg.Client as unknown as new (
  ...given: ConstructorParameters<typeof pg.Client>
) => OpenClient;

const FRAME = /^(BEGIN|COMMIT|ROLLBACK)$/;
const CHANGE = /^(INSERT|UPDATE|DELETE)\b/;

class TravellingQuery extends OpenQuery {
  /** Whether the server is to answer after this one: it follows with its Sync. */
  isLast = true;

  override submit(connection: Connection): Error | null {
    const quiet = Object.create(connection) as Connection;
    if (!this.isLast) quiet.sync = () => undefined;
    if (this.hasNoRows) quiet.describe = () => undefined;
    return super.submit(quiet);
  }

  /** Surely: then there are no columns to ask for. */
  private get hasNoRows(): boolean {
    return FRAME.test(this.text) || (CHANGE.test(this.text) && !/\bRETURNING\b/i.test(this.text));
  }
}

/**
 * A name makes the server keep the plan, on each connection. And what a transaction sends in one turn of the event loop
 * travels together: one write, and one Sync at its end, so that the server answers in one write too. Reading and writing
 * sockets is most of what a statement costs here.
 */
export class PreparingClient extends OpenClient {
  private isInTransaction = false;
  /** The last of what travels together, while more may come. */
  private travelling: TravellingQuery | null = null;
  private readonly target: StatementTarget;

  constructor(config: pg.ClientConfig) {
    // Those that wait for a Sync must not wait for an answer before they are sent.
    super({ ...config, pipeline: true } as pg.ClientConfig);
    const { database, host, port } = this;
    this.target = {
      system: 'postgresql',
      attributes: { 'db.namespace': database, 'server.address': host, 'server.port': port },
    };
  }

  // The many shapes of the original's arguments go through as they come.
  override query(...given: any[]): any {
    const [text] = given as [unknown];
    const end = typeof text === 'string' ? tracing()?.spans.statement(this.target, text) : undefined;
    const answer: unknown = this.send(...given);
    if (end !== undefined) void Promise.resolve(answer).then(() => end(), end);
    return answer;
  }

  private send(...given: any[]): any {
    const [text, values, ...rest] = given;
    if (text === 'BEGIN') this.isInTransaction = true;
    const travels = this.isInTransaction;
    if (text === 'COMMIT' || text === 'ROLLBACK') this.isInTransaction = false;
    const isParameterised = typeof text === 'string' && Array.isArray(values) && values.length > 0;
    const name = isParameterised || (travels && FRAME.test(text)) ? nameOf(text) : undefined;
    if (travels) return this.travel({ name, text, values, queryMode: 'extended' });
    return isParameterised
      ? super.query({ name, text } as never, values, ...(rest as []))
      : super.query(...(given as [string]));
  }

  private travel(config: ConstructorParameters<typeof TravellingQuery>[0]): Promise<object> {
    return new Promise((resolve, reject) => {
      const query = new TravellingQuery(config, (error, result) =>
        error === null ? resolve(result) : reject(error),
      );
      this.travelWith(query);
      super.query(query as never);
    });
  }

  private travelWith(query: TravellingQuery): void {
    query.isLast = false;
    if (this.travelling === null) {
      this.connection.stream.cork();
      setImmediate(() => {
        this.travelling!.isLast = true;
        this.travelling = null;
        this.connection.sync();
        this.connection.stream.uncork();
      });
    }
    this.travelling = query;
  }

  override _handleCommandComplete(message: object): void {
    const query = this._activeQuery;
    super._handleCommandComplete(message);
    if (query instanceof TravellingQuery && !query.isLast) this._handleReadyForQuery({ status: 'T' });
  }

  override _handleErrorMessage(error: Error): void {
    let query: OpenQuery | null | undefined = this._activeQuery;
    super._handleErrorMessage(error);
    // The server skips what travelled behind it, up to the Sync, without a word about it. The same error: whoever waits
    // only for a later one must learn why, too (that the server is going away, say).
    while (query instanceof TravellingQuery && !query.isLast) {
      query = this._sentQueryQueue.shift();
      if (query?.name !== undefined) delete this.connection.submittedNamedStatements[query.name];
      query?.handleError(error, this.connection);
    }
  }
}
