import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';

declare global {
  var STACK: 'sqlite+memory' | 'postgres+redis';
}

/** What this run of the e2e suite stands on. */
export const stack = () => globalThis.STACK;

/** Variables that point the server at storage of its own, and how to be rid of it. */
export interface Storage {
  readonly env: Record<string, string>;
  remove(): Promise<void>;
}

export function createStorage(): Promise<Storage> {
  return stack() === 'postgres+redis' ? createPostgresAndRedis() : createSqlite();
}

export async function createSqlite(): Promise<Storage> {
  const folder = mkdtempSync(join(tmpdir(), 'watchlist-test-'));
  return {
    env: { DATABASE_URL: `sqlite:///${join(folder, 'watchlist.db')}`, REDIS_URL: '' },
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** @param options of `CREATE DATABASE` */
export async function createPostgres(options = ''): Promise<Storage> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(`CREATE DATABASE ${name} ${options}`);
  const url = new URL(process.env['TEST_DATABASE_URL']!);
  url.pathname = `/${name}`;
  return {
    env: { DATABASE_URL: url.href, REDIS_URL: '' },
    remove: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** The database that pg_restore would make of a dump of `source`. Nothing may be connected to `source`. */
export const copyPostgres = ({ env }: Storage) =>
  createPostgres(`TEMPLATE ${new URL(env['DATABASE_URL']!).pathname.slice(1)}`);

async function createPostgresAndRedis(): Promise<Storage> {
  const postgres = await createPostgres();
  const redisUrl = await emptyRedis();
  return { env: { ...postgres.env, REDIS_URL: redisUrl }, remove: postgres.remove };
}

/** Each of Jest's workers has one of Redis's numbered databases to itself. */
export async function emptyRedis(): Promise<string> {
  const url = `${process.env['TEST_REDIS_URL']}/${process.env['JEST_WORKER_ID'] ?? 1}`;
  const client = new Redis(url);
  await client.flushdb();
  client.disconnect();
  return url;
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: process.env['TEST_DATABASE_URL'] });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
