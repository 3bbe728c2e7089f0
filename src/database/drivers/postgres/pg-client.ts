import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import pg from 'pg';
import type { StatementTarget } from '../../../common/observability/tracing/spans.js';
import { tracing } from '../../../common/observability/tracing/tracing.js';

/** At this number of prepared statements a connection drops all of them and starts again. */
const MAXIMUM_STATEMENTS = 200;

/** The table changed under the statement, the server no longer knows it, or another client has taken its name. */
const UNUSABLE_STATEMENT = /^(0A000|26000|42P05)$/;

/** Writes lock the rows that they rely on. At a higher level they would fail instead of waiting for each other. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED';

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/**
 * Names each parameterised statement, so that PostgreSQL parses and plans it once per connection. Sends the statements
 * that a transaction issues in one event-loop turn in one write, because socket calls are most of their cost.
 */
export class PgClient extends pg.Client {
  private readonly socket: Socket;
  private readonly target: StatementTarget;
  private readonly names = new Map<string, string>();
  /** Random, because a connection pooler can put other clients on the same server connection. */
  private readonly namePrefix = `w${randomBytes(4).toString('hex')}_`;
  private statementCount = 0;
  private isInTransaction = false;
  readonly createdAt = performance.now();

  constructor(config: pg.ClientConfig) {
    const socket = new Socket();
    super({ ...config, pipeline: true, stream: () => socket });
    this.socket = socket;
    const { database, host, port } = this;
    this.target = {
      system: 'postgresql',
      attributes: { 'db.namespace': database, 'server.address': host, 'server.port': port },
    };
  }

  override query(...given: any[]): any {
    const [text, values, callback] = given as unknown[];
    if (typeof text !== 'string' || typeof values === 'function' || callback !== undefined) {
      return super.query(...(given as [string]));
    }
    const end = tracing()?.spans.statement(this.target, text);
    const answer = this.send(text, values as unknown[] | undefined);
    if (end !== undefined) void answer.then(() => end(), end);
    return answer;
  }

  private send(text: string, values: unknown[] = []): Promise<pg.QueryResult> {
    if (text === 'BEGIN') this.isInTransaction = true;
    const { isInTransaction } = this;
    if (isInTransaction) this.cork();
    if (text === 'COMMIT' || text === 'ROLLBACK') this.isInTransaction = false;
    // A pooler can use a connection on which the session's settings were not set.
    if (text === 'BEGIN') return super.query(BEGIN);
    return values.length === 0 ? super.query(text) : this.sendNamed({ text, values }, !isInTransaction);
  }

  private async sendNamed(statement: Statement, mayRetry: boolean): Promise<pg.QueryResult> {
    try {
      return await super.query({ name: this.nameOf(statement.text), ...statement });
    } catch (error) {
      if (!UNUSABLE_STATEMENT.test((error as { code?: string }).code ?? '')) throw error;
      this.dropStatements();
      if (!mayRetry) throw error;
      return this.sendNamed(statement, false);
    }
  }

  private cork(): void {
    if (this.socket.writableCorked > 0) return;
    this.socket.cork();
    setImmediate(() => this.socket.uncork());
  }

  /** Never reuses a name, because pg remembers every name that it has prepared. */
  private nameOf(text: string): string {
    let name = this.names.get(text);
    if (name === undefined) {
      if (this.names.size >= MAXIMUM_STATEMENTS) this.dropStatements();
      name = this.namePrefix + this.statementCount++;
      this.names.set(text, name);
    }
    return name;
  }

  private dropStatements(): void {
    this.names.clear();
    // Fails in a transaction that has already failed. The server then keeps the statements until the connection ends.
    super.query('DEALLOCATE ALL').catch(() => undefined);
  }
}
