import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { GatedUpstream } from '../support/gated-upstream.js';
import { discrepancies, readStored, RecordedWrites } from '../support/recorded-writes.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import {
  build,
  type Exit,
  parseLog,
  runServer,
  type ServerProcess,
  startServer,
} from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

/** Like an error of the database, it carries what is not for the log. */
const ERROR = `Object.assign(new Error('the cause of it all'), { parameters: ['ada@example.com'] })`;

jest.setTimeout(120_000);
beforeAll(build, 120_000);

let folder: string;
let storage: Storage;
let server: ServerProcess | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watchlist-process-'));
  storage = await createSqlite();
});
afterEach(async () => {
  await server?.remove();
  server = undefined;
  await storage.remove();
  rmSync(folder, { recursive: true });
});

/** Options of a server in whose process this happens beside its own code. */
function withinIt(code: string, env: Record<string, string> = {}) {
  const preloaded = join(folder, 'preloaded.mjs');
  writeFileSync(preloaded, code);
  return { env: { ...ROOMY, ...storage.env, ...env }, folder, nodeOptions: ['--import', preloaded] };
}
const onSignal = (code: string, env?: Record<string, string>) =>
  withinIt(`process.on('SIGUSR2', () => setImmediate(() => { ${code} }));`, env);

const fatalLines = ({ stdout }: Exit) => parseLog(stdout).filter(({ level }) => level === 'fatal');
const FATAL = {
  time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  msg: 'uncaught error: the process ends',
};

/** The one line about it, with its cause and nothing else that it carries; and whoever watches over it is told. */
function expectFatalEnd(exit: Exit, origin: string): void {
  expect(exit).toMatchObject({ code: 1, signal: null, stderr: '' });
  expect(fatalLines(exit)).toEqual([
    {
      ...FATAL,
      level: 'fatal',
      origin,
      err: {
        type: 'Error',
        message: 'the cause of it all',
        stack: expect.stringMatching(/^Error: the cause of it all\n +at .*preloaded\.mjs/),
      },
    },
  ]);
}

describe.each([
  ['a rejection that nobody handles', `Promise.reject(${ERROR})`, 'unhandledRejection'],
  ['an exception that nobody catches', `throw ${ERROR}`, 'uncaughtException'],
])('%s', (_what, code, origin) => {
  let upstream: GatedUpstream;
  beforeEach(async () => {
    upstream = await GatedUpstream.start();
  });
  afterEach(() => upstream.close());

  it('is said once in the log and ends the process with exit code 1, after what is in flight; no acknowledged write is lost', async () => {
    server = await startServer(onSignal(code, { GITHUB_API_URL: upstream.url }));
    const users: Member[] = [await signUp(server.url), await signUp(server.url)];
    const writes = new RecordedWrites(users, 16, Math.random);
    const { over } = writes.start(server.url);
    await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(40));
    const inFlight = call(server.url, { path: '/v1/external/github' });
    await upstream.asked();
    server.signal('SIGUSR2');
    await eventually(() => expect(server!.logs()).toContainEqual(expect.objectContaining(FATAL)));
    upstream.answer();
    expect((await inFlight).status).toBe(200);
    const exit = await server.exited;
    await over;
    expectFatalEnd(exit, origin);

    const taken = parseLog(exit.stdout)
      .filter(({ msg, request_id }) => msg === 'request' && String(request_id).startsWith('client-'))
      .map(({ request_id }) => request_id);
    const answered = writes.history.filter(({ outcome }) => outcome !== 'unknown');
    expect(taken.sort()).toEqual(answered.map(({ requestId }) => requestId).sort());
    expect(writes.unexpected).toEqual([]);
    const stored = await readStored(storage.env['DATABASE_URL']!, users);
    expect(discrepancies(writes.history, stored, { refusedMeansUndone: true })).toEqual([]);

    server = await startServer({ env: { ...ROOMY, ...storage.env } });
    const { status } = await call(server.url, { path: '/v1/watchlists', token: users[0]!.token });
    expect(status).toBe(200);
  });
});

describe('An error that nobody catches', () => {
  it('during the boot ends it at once', async () => {
    const exit = await runServer(
      withinIt(`
        const timer = setInterval(() => {
          if (process.listenerCount('uncaughtException') === 0) return;
          clearInterval(timer);
          throw ${ERROR};
        }, 1);`),
    );
    expectFatalEnd(exit, 'uncaughtException');
    expect(parseLog(exit.stdout).map(({ msg }) => msg)).not.toContainEqual(
      expect.stringMatching(/^listening/),
    );
  });

  it('need not be an Error', async () => {
    server = await startServer(onSignal(`throw Object.create(null)`));
    server.signal('SIGUSR2');
    const exit = await server.exited;
    expect(exit).toMatchObject({ code: 1, signal: null, stderr: '' });
    expect(fatalLines(exit)).toEqual([expect.objectContaining(FATAL)]);
  });

  it('may come again while the process ends', async () => {
    server = await startServer(onSignal(`setImmediate(() => { throw ${ERROR}; }); throw ${ERROR};`));
    server.signal('SIGUSR2');
    const exit = await server.exited;
    expect(exit).toMatchObject({ code: 1, signal: null, stderr: '' });
    expect(fatalLines(exit)).toHaveLength(2);
  });

  it('ends the process also when it has left something behind that cannot end', async () => {
    server = await startServer(
      withinIt(`
        import { Server } from 'node:http';
        process.on('SIGUSR2', () => {
          Server.prototype.close = () => undefined;
          Promise.reject(${ERROR});
        });`),
    );
    server.signal('SIGUSR2');
    const exit = await server.exited;
    expectFatalEnd(exit, 'unhandledRejection');
    expect(exit.stdout.endsWith('\n')).toBe(true);
  });
});
