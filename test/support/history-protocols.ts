import type { Redis } from 'ioredis';
import type { Pool, PoolClient } from 'pg';
import type { Stage } from './history.js';
import { oneOf } from './seeded.js';

/** Where an operation lets others go on; it is named after what it has just done. */
export type Step = 'version read' | 'data read' | 'version raised' | 'data committed';

export interface Shown {
  readonly state: string;
  readonly outcome: 'HIT' | 'MISS';
}

/** How a cache is kept in step with a database: what a reader and a writer do, step by step. */
export interface Protocol {
  read(lists: Lists, name: string, page: string): AsyncGenerator<Step, Shown>;
  write(lists: Lists, name: string, state: string): AsyncGenerator<Step, void>;
}

/** Lists with their versions in PostgreSQL, and pages of them in Redis. */
export class Lists {
  constructor(
    private readonly pool: Pool,
    private readonly redis: Redis,
  ) {}

  /** Lists as they are in the beginning, in a database and a Redis with nothing else in them. */
  async create(initial: Readonly<Record<string, string>>): Promise<void> {
    await this.redis.flushdb();
    await this.pool.query('DROP TABLE IF EXISTS users, items');
    await this.pool.query('CREATE TABLE users (name text PRIMARY KEY, list_version int NOT NULL)');
    await this.pool.query('CREATE TABLE items (owner text PRIMARY KEY, state text NOT NULL)');
    for (const [name, state] of Object.entries(initial)) {
      await this.pool.query('INSERT INTO users VALUES ($1, 0)', [name]);
      await this.pool.query('INSERT INTO items VALUES ($1, $2)', [name, state]);
    }
  }

  async version(name: string): Promise<number> {
    const { rows } = await this.pool.query<{ list_version: number }>(
      'SELECT list_version FROM users WHERE name = $1',
      [name],
    );
    return rows[0]!.list_version;
  }

  async data(name: string): Promise<string> {
    const { rows } = await this.pool.query<{ state: string }>('SELECT state FROM items WHERE owner = $1', [
      name,
    ]);
    return rows[0]!.state;
  }

  async raiseVersion(name: string, connection: Pool | PoolClient = this.pool): Promise<void> {
    await connection.query('UPDATE users SET list_version = list_version + 1 WHERE name = $1', [name]);
  }

  async change(name: string, state: string, connection: Pool | PoolClient = this.pool): Promise<void> {
    await connection.query('UPDATE items SET state = $2 WHERE owner = $1', [name, state]);
  }

  /** One transaction; steps that it takes are steps of the caller. */
  async *transaction(
    work: (connection: PoolClient) => AsyncGenerator<Step, void>,
  ): AsyncGenerator<Step, void> {
    const connection = await this.pool.connect();
    try {
      await connection.query('BEGIN');
      yield* work(connection);
      await connection.query('COMMIT');
    } finally {
      connection.release();
    }
  }

  cached(key: string): Promise<string | null> {
    return this.redis.get(key);
  }

  async store(key: string, state: string): Promise<void> {
    await this.redis.set(key, state, 'EX', 3600);
  }
}

/** The server's: the version is raised with the data and read before it. */
const SOUND: Protocol = {
  async *read(lists, name, page) {
    const key = `${name}:${await lists.version(name)}:${page}`;
    yield 'version read';
    const cached = await lists.cached(key);
    if (cached !== null) return { state: cached, outcome: 'HIT' };
    const state = await lists.data(name);
    yield 'data read';
    await lists.store(key, state);
    return { state, outcome: 'MISS' };
  },

  async *write(lists, name, state) {
    yield* lists.transaction(async function* (connection) {
      await lists.raiseVersion(name, connection);
      yield 'version raised';
      await lists.change(name, state, connection);
    });
    yield 'data committed';
  },
};

export const PROTOCOLS = {
  'as it should be': SOUND,

  'that reads the version after the data': {
    ...SOUND,
    async *read(lists, name, page) {
      const cached = await lists.cached(`${name}:${await lists.version(name)}:${page}`);
      if (cached !== null) return { state: cached, outcome: 'HIT' };
      const state = await lists.data(name);
      yield 'data read';
      await lists.store(`${name}:${await lists.version(name)}:${page}`, state);
      return { state, outcome: 'MISS' };
    },
  },

  'that raises the version when the data is committed': {
    ...SOUND,
    async *write(lists, name, state) {
      await lists.change(name, state);
      yield 'data committed';
      await lists.raiseVersion(name);
      yield 'version raised';
    },
  },
} satisfies Record<string, Protocol>;

export const PAGES = ['first', 'second'] as const;

/** Goes on until the step is done, or to the end when there is none of that name. @returns what the end brought */
export async function advance<T>(operation: AsyncGenerator<Step, T>, step?: Step): Promise<T | undefined> {
  for (;;) {
    const { value, done } = await operation.next();
    if (done) return value as T;
    if (value === step) return undefined;
  }
}

/** To be played on: states are numbered. */
export function stageOf(protocol: Protocol, lists: Lists): Stage {
  const written = new Map<string, number>();
  return {
    nextWrite: (name) => {
      const number = (written.get(name) ?? 0) + 1;
      written.set(name, number);
      const state = stateOf(name, number);
      return { state, write: async () => void (await advance(protocol.write(lists, name, state))) };
    },
    read: async (name, random) => (await advance(protocol.read(lists, name, oneOf(PAGES, random))))!,
  };
}

export const stateOf = (name: string, number: number) => `${name} ${number}`;
