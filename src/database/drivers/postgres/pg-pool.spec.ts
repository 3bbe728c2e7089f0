import { isUnavailable } from '../../errors.js';
import { PgPool } from './pg-pool.js';

const DATABASE_URL = process.env['TEST_DATABASE_URL']!;

/** The same server, with one part of the address changed. */
function changed(change: (url: URL) => void): string {
  const url = new URL(DATABASE_URL);
  change(url);
  return url.href;
}

describe(PgPool.name, () => {
  it.each<[string, ConstructorParameters<typeof PgPool>[0]]>([
    ['nothing listens', { connectionString: changed((url) => (url.port = '1')) }],
    ['the host does not exist', { connectionString: changed((url) => (url.hostname = 'nowhere.invalid')) }],
    ['the database does not exist', { connectionString: changed((url) => (url.pathname = '/nowhere')) }],
    ['the role does not exist', { connectionString: changed((url) => (url.username = 'nobody')) }],
    ['the first statement fails', { onConnect: async (client) => void (await client.query('SELECT oops')) }],
  ])('marks the error as one of connecting when %s', async (_when, options) => {
    const pool = new PgPool({ connectionString: DATABASE_URL, ...options });
    const failures = [
      await pool.connect().catch((error: unknown) => error),
      await new Promise((resolve) => pool.connect((error) => resolve(error))),
    ];
    for (const failure of failures) expect(isUnavailable(failure)).toBe(true);
    await pool.end();
  });

  it('marks the error when no connection becomes free in time, and gives connections out again', async () => {
    const pool = new PgPool({ connectionString: DATABASE_URL, max: 1, connectionTimeoutMillis: 200 });
    const client = await pool.connect();
    const failure = await pool.connect().catch((error: unknown) => error);
    expect(isUnavailable(failure)).toBe(true);
    client.release();
    (await pool.connect()).release();
    await pool.end();
  });
});
