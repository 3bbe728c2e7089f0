import pg from 'pg';
import sqlite3 from 'sqlite3';

const NOW = '2026-01-01 00:00:00.000';

async function execute(databaseUrl, isPostgres, { postgres, sqlite }) {
  if (isPostgres) {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query(postgres);
    await client.query('ANALYZE');
    await client.end();
    return;
  }
  const database = new sqlite3.Database(databaseUrl.slice('sqlite:///'.length));
  database.configure('busyTimeout', 10_000);
  await new Promise((resolve, reject) =>
    database.exec(sqlite, (error) => (error ? reject(error) : resolve())),
  );
  await new Promise((resolve) => database.close(resolve));
}

/** Puts items on a list behind the server's back; only for a server without a cache. */
export async function fillList(databaseUrl, isPostgres, userId, items) {
  const counted = `INSERT INTO watchlists (user_id, version, movie_count, show_count) VALUES (${userId}, 1, ${items}, 0)
    ON CONFLICT (user_id) DO UPDATE SET movie_count = watchlists.movie_count + ${items}`;
  await execute(databaseUrl, isPostgres, { postgres: counted, sqlite: counted });
  const columns = '(user_id, title, title_key, type, created_at, updated_at)';
  return execute(databaseUrl, isPostgres, {
    postgres: `INSERT INTO watchlist_items ${columns}
      SELECT ${userId}, 'Movie ' || n, convert_to('movie ' || n, 'UTF8'), 'movie', '${NOW}', '${NOW}' FROM generate_series(1, ${items}) AS n`,
    sqlite: `WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ${items})
      INSERT INTO watchlist_items ${columns}
      SELECT ${userId}, 'Movie ' || n, CAST('movie ' || n AS BLOB), 'movie', '${NOW}', '${NOW}' FROM counter`,
  });
}

export function fillUsers(databaseUrl, isPostgres, users) {
  const columns = '(email, password_hash, role, disabled, created_at)';
  return execute(databaseUrl, isPostgres, {
    postgres: `INSERT INTO users ${columns}
      SELECT 'filler' || n || '@example.com', 'v0$none', 'user', false, '${NOW}' FROM generate_series(1, ${users}) AS n`,
    sqlite: `WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ${users})
      INSERT INTO users ${columns}
      SELECT 'filler' || n || '@example.com', 'v0$none', 'user', 0, '${NOW}' FROM counter`,
  });
}
