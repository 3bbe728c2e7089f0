import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import { call, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createPostgres, createSqlite, type Storage } from '../support/stack.js';

const DIST = join(__dirname, '../../dist');
const ITEM = { title: 'Parasite', type: 'movie' };

jest.setTimeout(120_000);
beforeAll(build, 120_000);

interface Command {
  readonly pid: number;
  readonly over: Promise<{ code: number; stdout: string; stderr: string }>;
}

describe.each([
  ['SQLite', createSqlite],
  ['PostgreSQL', createPostgres],
] as const)('the commands for backups, on %s', (kind, createStorage) => {
  let storage: Storage;
  let server: ServerProcess;
  let folder: string;
  let token: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-backup-'));
    storage = await createStorage();
    server = await startServer({ env: { ...ROOMY, ...storage.env } });
    ({ token } = await signUp(server.url));
    for (let n = 0; n < 200; n++) await call(server.url, { path: '/v1/watchlists/items', token, body: ITEM });
  });
  afterAll(async () => {
    await server.remove();
    await storage.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Told nothing but where the database is: in production the server itself would not start so. */
  function start(command: readonly string[], { env } = storage): Command {
    let over!: (end: Awaited<Command['over']>) => void;
    const child = execFile(
      command[0]!,
      command.slice(1),
      {
        cwd: folder,
        env: { PATH: process.env['PATH'], NODE_ENV: 'production', DATABASE_URL: env['DATABASE_URL'] },
      },
      (error, stdout, stderr) => over({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    return { pid: child.pid!, over: new Promise((resolve) => (over = resolve)) };
  }
  const node = (script: string, ...args: string[]) => [process.execPath, join(DIST, `${script}.js`), ...args];

  it('say what they did, or in one line why not; end with 0 or 1; need no secret, and leave the server alone', async () => {
    const made = await start(node('backup', 'a.backup')).over;
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^a\.backup: \d+ bytes\n$/);
    const refused = await start(node('restore', 'a.backup', '--replace')).over;
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^Nothing was restored: [^\n]*(another process serves|connected)[^\n]*\n$/,
    );
    const unclear = await start(node('backup')).over;
    expect(unclear).toMatchObject({ code: 1, stdout: '' });
    expect(unclear.stderr).toMatch(/^No backup was made: [^\n]+\n$/);
    expect(readdirSync(folder)).toEqual(['a.backup']);
    const { body } = await call(server.url, { path: '/v1/watchlists', token });
    expect(body).toMatchObject({ total: 200 });
  });

  if (process.platform === 'linux') {
    it('leave nothing behind when there is no more space', async () => {
      const { code, stderr } = await start(['prlimit', '--fsize=20000', ...node('backup', 'b.backup')]).over;
      expect(code).toBe(1);
      expect(stderr).toMatch(/^No backup was made: [^\n]+\n$/);
      expect(readdirSync(folder)).toEqual(['a.backup']);
    });
  }

  if (kind === 'PostgreSQL') {
    it('leave nothing behind when they are told to end', async () => {
      const locking = new Client({ connectionString: storage.env['DATABASE_URL'] });
      await locking.connect();
      await locking.query('BEGIN; LOCK TABLE users');
      const { pid, over } = start(node('backup', 'c.backup'));
      await eventually(() => expect(readdirSync(folder)).toHaveLength(2));
      process.kill(pid, 'SIGTERM');
      expect((await over).code).toBe(1);
      expect(readdirSync(folder)).toEqual(['a.backup']);
      await locking.end();
    });
  }

  it('work on a database whose server was killed; what they restore is served', async () => {
    server.signal('SIGKILL');
    await server.exited;
    expect(await start(node('backup', 'd.backup')).over).toMatchObject({ code: 0 });
    const elsewhere = await createStorage();
    const restored = await start(node('restore', 'd.backup', '--keep-sessions'), elsewhere).over;
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    const other = await startServer({ env: { ...ROOMY, ...elsewhere.env } });
    const { body } = await call(other.url, { path: '/v1/watchlists', token });
    expect(body).toMatchObject({ total: 200 });
    await other.remove();
    await elsewhere.remove();
  });
});
