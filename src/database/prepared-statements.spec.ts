import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database, Statement } from 'sqlite3';
import { PREPARING_SQLITE3, PreparingClient } from './prepared-statements.js';

/** More texts than are kept. */
const MANY = 300;
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('SQLite with prepared statements', () => {
  let folder: string;
  let database: Database;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-prepared-'));
    database = await new Promise<Database>((resolve, reject) => {
      const opening: Database = new PREPARING_SQLITE3.Database(join(folder, 'test.db'), (error) =>
        error ? reject(error) : resolve(opening),
      );
    });
    await run('CREATE TABLE films (id INTEGER PRIMARY KEY, title TEXT UNIQUE)');
  });
  const close = () =>
    new Promise<void>((resolve, reject) => database.close((error) => (error ? reject(error) : resolve())));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** As TypeORM calls the driver. */
  function run(
    text: string,
    parameters?: unknown[],
  ): Promise<Pick<Statement & { lastID: number }, 'lastID'>> {
    return new Promise((resolve, reject) =>
      database.run(text, parameters, function (error) {
        if (error) reject(error);
        else resolve({ lastID: this.lastID });
      }),
    );
  }
  function all(text: string, parameters?: unknown[]): Promise<unknown[]> {
    return new Promise((resolve, reject) =>
      database.all(text, parameters, (error, rows) => (error ? reject(error) : resolve(rows))),
    );
  }
  const add = (title: string) => run('INSERT INTO films (title) VALUES ($1)', [title]);
  const titles = async () =>
    ((await all('SELECT title FROM films ORDER BY id')) as { title: string }[]).map(({ title }) => title);

  it('gives each of those who say the same at once the answer to their own parameters', async () => {
    const ids = await Promise.all(upTo(50).map((n) => add(`film ${n}`)));
    expect(new Set(ids.map(({ lastID }) => lastID)).size).toBe(50);
    const found = await Promise.all(
      ids.map(({ lastID }) => all('SELECT title FROM films WHERE id = $1', [lastID])),
    );
    expect(found).toEqual(upTo(50).map((n) => [{ title: `film ${n}` }]));
    await close();
  });

  it('forgets the parameters of the last time', async () => {
    expect(await all('SELECT $1 AS given', ['a'])).toEqual([{ given: 'a' }]);
    expect(await all('SELECT $1 AS given', [null])).toEqual([{ given: null }]);
    expect(await all('SELECT $1 AS given')).toEqual([{ given: null }]);
    await close();
  });

  it('prepares a text once', async () => {
    const prepare = jest.spyOn(PREPARING_SQLITE3.Database.prototype, 'prepare');
    for (const n of upTo(10)) await add(`film ${n}`);
    expect(prepare).toHaveBeenCalledTimes(1);
    await close();
    prepare.mockRestore();
  });

  it('refuses what cannot be prepared, each time, and works on', async () => {
    for (let time = 0; time < 3; time++) {
      await expect(all('SELECT nothing FROM nowhere')).rejects.toMatchObject({ code: 'SQLITE_ERROR' });
    }
    await add('Dune');
    expect(await titles()).toEqual(['Dune']);
    await close();
  });

  it('refuses what cannot be done, and does the same with other parameters', async () => {
    await add('Dune');
    for (let time = 0; time < 3; time++) {
      await expect(add('Dune')).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
      await add(`Dune ${time}`);
    }
    expect(await titles()).toEqual(['Dune', 'Dune 0', 'Dune 1', 'Dune 2']);
    await close();
  });

  it('follows a change of the schema', async () => {
    await add('Dune');
    expect(await all('SELECT * FROM films')).toEqual([{ id: 1, title: 'Dune' }]);
    await run('ALTER TABLE films ADD COLUMN year INTEGER');
    expect(await all('SELECT * FROM films')).toEqual([{ id: 1, title: 'Dune', year: null }]);
    await close();
  });

  it('works with more texts than it keeps, and can be closed while it keeps some', async () => {
    for (let time = 0; time < 2; time++) {
      const answers = await Promise.all(upTo(MANY).map((n) => all(`SELECT ${n} AS n`)));
      expect(answers).toEqual(upTo(MANY).map((n) => [{ n }]));
    }
    await close();
  });
});

describe('PostgreSQL with prepared statements', () => {
  let client: PreparingClient;
  beforeEach(async () => {
    client = new PreparingClient({ connectionString: process.env['TEST_DATABASE_URL'] });
    await client.connect();
  });
  afterEach(() => client.end());

  const kept = async (like: string): Promise<number> => {
    const { rows } = (await client.query(
      `SELECT COUNT(*)::int AS count FROM pg_prepared_statements WHERE statement LIKE '${like}'`,
    )) as { rows: [{ count: number }] };
    return rows[0].count;
  };

  it('prepares a text once, and what has no parameters not at all', async () => {
    for (const n of upTo(10)) {
      const { rows } = (await client.query('SELECT $1::int AS once', [n])) as { rows: unknown[] };
      expect(rows).toEqual([{ once: n }]);
    }
    expect(await kept('%AS once%')).toBe(1);
    expect(await kept('%pg_prepared_statements%')).toBe(0);
  });

  describe('what a transaction sends in one turn', () => {
    const ADD = 'INSERT INTO films (title) VALUES ($1) RETURNING id';
    beforeEach(() => client.query('CREATE TEMPORARY TABLE films (id serial, title text UNIQUE)'));

    const titles = async () => {
      const { rows } = (await client.query('SELECT title FROM films ORDER BY id')) as {
        rows: { title: string }[];
      };
      return rows.map(({ title }) => title);
    };
    const transaction = (...added: string[]) =>
      Promise.allSettled([
        client.query('BEGIN'),
        ...added.map((title) => client.query(ADD, [title])),
        client.query('COMMIT'),
      ]);
    const answers = () => {
      const ready = jest.fn();
      (client as unknown as { connection: NodeJS.EventEmitter }).connection.on('readyForQuery', ready);
      return ready;
    };

    it('is answered together, each with its own', async () => {
      const ready = answers();
      const outcomes = await transaction('Alien', 'Brazil');
      expect(ready).toHaveBeenCalledTimes(1);
      expect(outcomes).toMatchObject([
        { value: { command: 'BEGIN', rows: [] } },
        { value: { command: 'INSERT', rowCount: 1, rows: [{ id: 1 }] } },
        { value: { command: 'INSERT', rowCount: 1, rows: [{ id: 2 }] } },
        { value: { command: 'COMMIT', rows: [] } },
      ]);
      expect(await titles()).toEqual(['Alien', 'Brazil']);
    });

    it('is answered at once when the rest comes later', async () => {
      const ready = answers();
      await client.query('BEGIN');
      await client.query(ADD, ['Alien']);
      await client.query(ADD, ['Brazil']);
      await client.query('COMMIT');
      expect(ready).toHaveBeenCalledTimes(4);
      expect(await titles()).toEqual(['Alien', 'Brazil']);
    });

    it('counts until one fails; that one says why, and none after it counts, COMMIT included', async () => {
      // The second time everything has been prepared already.
      for (let time = 0; time < 2; time++) {
        const outcomes = await transaction('Alien', 'Alien', 'Brazil');
        expect(outcomes).toMatchObject([
          { status: 'fulfilled' },
          { status: 'fulfilled' },
          { status: 'rejected', reason: { code: '23505' } },
          { status: 'rejected', reason: { code: '23505' } },
          { status: 'rejected', reason: { code: '23505' } },
        ]);
        await client.query('ROLLBACK');
        expect(await titles()).toEqual([]);
      }
    });

    it('can be said again after it was skipped, though it had never been prepared', async () => {
      const skipped = `INSERT INTO films (title) VALUES ($1 || '!')`;
      const outcomes = await Promise.allSettled([
        client.query('BEGIN'),
        client.query('INSERT INTO nowhere VALUES ($1)', [1]),
        client.query(skipped, ['Alien']),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
      await client.query('ROLLBACK');
      await client.query(skipped, ['Brazil']);
      expect(await titles()).toEqual(['Brazil!']);
    });

    it('fails as a whole when the connection breaks', async () => {
      client.on('error', () => undefined);
      const { rows } = (await client.query('SELECT pg_backend_pid() AS pid')) as { rows: [{ pid: number }] };
      const outcomes = Promise.allSettled([
        client.query('BEGIN'),
        client.query('SELECT pg_terminate_backend($1)', [rows[0].pid]),
        client.query(ADD, ['Alien']),
        client.query('COMMIT'),
      ]);
      expect((await outcomes).slice(1).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    });
  });

  // Last: no other text is kept after these.
  it('works with more texts than are kept', async () => {
    for (const n of upTo(MANY)) {
      const { rows } = (await client.query(`SELECT $1::int + ${n} AS many`, [1])) as { rows: unknown[] };
      expect(rows).toEqual([{ many: n + 1 }]);
    }
    expect(await kept('%AS many%')).toBeLessThanOrEqual(200);
  });
});
