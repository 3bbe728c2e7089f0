import type { QueryResult } from 'pg';
import { PgClient } from './pg-client.js';

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe(PgClient.name, () => {
  let client: PgClient;
  const query = (text: string, values?: unknown[]) => client.query(text, values) as Promise<QueryResult>;
  beforeEach(async () => {
    client = new PgClient({ connectionString: process.env['TEST_DATABASE_URL'] });
    await client.connect();
    await query('CREATE TEMPORARY TABLE films (id serial, title text UNIQUE)');
  });
  afterEach(() => client.end());

  const ADD = 'INSERT INTO films (title) VALUES ($1) RETURNING id';
  const FIND = 'SELECT * FROM films WHERE title = $1';

  const countPrepared = async (like: string): Promise<number> => {
    const { rows } = await query(
      `SELECT COUNT(*)::int AS count FROM pg_prepared_statements WHERE statement LIKE '${like}'`,
    );
    return (rows[0] as { count: number }).count;
  };

  it('prepares a parameterised statement once, and others not at all', async () => {
    for (const n of upTo(10)) {
      expect((await query('SELECT $1::int AS once', [n])).rows).toEqual([{ once: n }]);
    }
    expect(await countPrepared('%AS once%')).toBe(1);
    expect(await countPrepared('%pg_prepared_statements%')).toBe(0);
  });

  it('prepares new statements after more than it keeps, and keeps a bounded number', async () => {
    for (const n of upTo(450)) {
      expect((await query(`SELECT $1::int + ${n} AS many`, [1])).rows).toEqual([{ many: n + 1 }]);
    }
    expect(await countPrepared('%AS many%')).toBeLessThanOrEqual(200);
    await query('SELECT $1::int AS late', [1]);
    expect(await countPrepared('%AS late%')).toBe(1);
  });

  it('answers each statement of a pipelined transaction', async () => {
    expect(
      await Promise.all([query('BEGIN'), query(ADD, ['Alien']), query(ADD, ['Brazil']), query('COMMIT')]),
    ).toMatchObject([
      { command: 'BEGIN' },
      { command: 'INSERT', rows: [{ id: 1 }] },
      { command: 'INSERT', rows: [{ id: 2 }] },
      { command: 'COMMIT' },
    ]);
    expect((await query('SELECT title FROM films')).rows).toEqual([{ title: 'Alien' }, { title: 'Brazil' }]);
  });

  it('runs a statement whose first preparation failed with its transaction', async () => {
    const outcomes = await Promise.allSettled([
      query('BEGIN'),
      query('INSERT INTO nowhere VALUES ($1)', [1]),
      query(ADD, ['Alien']),
      query('COMMIT'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect((await query(ADD, ['Brazil'])).rows).toHaveLength(1);
  });

  it('rejects every pipelined statement when the connection breaks', async () => {
    client.on('error', () => undefined);
    const { rows } = await query('SELECT pg_backend_pid() AS pid');
    const outcomes = await Promise.allSettled([
      query('BEGIN'),
      query('SELECT pg_terminate_backend($1)', [(rows[0] as { pid: number }).pid]),
      query(ADD, ['Alien']),
      query('COMMIT'),
    ]);
    expect(outcomes.slice(1).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  });

  describe.each([
    ['the table changed', 'ALTER TABLE films ALTER COLUMN title TYPE varchar(320)', '0A000'],
    ['the server dropped it', 'DEALLOCATE ALL', '26000'],
  ])('a prepared statement, after %s', (_what, change, code) => {
    beforeEach(async () => {
      await query(FIND, ['Alien']);
      await query(change);
    });

    it('runs again outside a transaction', async () => {
      expect((await query(FIND, ['Alien'])).rows).toEqual([]);
    });

    it('fails its transaction, and runs in the next', async () => {
      const transaction = () =>
        Promise.allSettled([query('BEGIN'), query(FIND, ['Alien']), query('ROLLBACK')]);
      expect((await transaction())[1]).toMatchObject({ status: 'rejected', reason: { code } });
      expect((await transaction())[1]).toMatchObject({ status: 'fulfilled' });
    });
  });
});
