import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database, Statement } from 'sqlite3';
import { PREPARING_SQLITE3 } from './sqlite-statements.js';

/** More texts than the driver keeps. */
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

  it('returns to each of many concurrent calls the result for its own parameters', async () => {
    const ids = await Promise.all(upTo(50).map((n) => add(`film ${n}`)));
    expect(new Set(ids.map(({ lastID }) => lastID)).size).toBe(50);
    const found = await Promise.all(
      ids.map(({ lastID }) => all('SELECT title FROM films WHERE id = $1', [lastID])),
    );
    expect(found).toEqual(upTo(50).map((n) => [{ title: `film ${n}` }]));
    await close();
  });

  it('does not reuse the parameters of the previous call', async () => {
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

  it('rejects an invalid statement each time, and later statements succeed', async () => {
    for (let time = 0; time < 3; time++) {
      await expect(all('SELECT nothing FROM nowhere')).rejects.toMatchObject({ code: 'SQLITE_ERROR' });
    }
    await add('Dune');
    expect(await titles()).toEqual(['Dune']);
    await close();
  });

  it('rejects a statement that violates a constraint, and runs it with other parameters', async () => {
    await add('Dune');
    for (let time = 0; time < 3; time++) {
      await expect(add('Dune')).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
      await add(`Dune ${time}`);
    }
    expect(await titles()).toEqual(['Dune', 'Dune 0', 'Dune 1', 'Dune 2']);
    await close();
  });

  it('returns the new columns after the schema changes', async () => {
    await add('Dune');
    expect(await all('SELECT * FROM films')).toEqual([{ id: 1, title: 'Dune' }]);
    await run('ALTER TABLE films ADD COLUMN year INTEGER');
    expect(await all('SELECT * FROM films')).toEqual([{ id: 1, title: 'Dune', year: null }]);
    await close();
  });

  it('runs more texts than it keeps, and closes while it keeps some', async () => {
    for (let time = 0; time < 2; time++) {
      const answers = await Promise.all(upTo(MANY).map((n) => all(`SELECT ${n} AS n`)));
      expect(answers).toEqual(upTo(MANY).map((n) => [{ n }]));
    }
    await close();
  });
});
