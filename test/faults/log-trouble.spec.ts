import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { call, ROOMY } from '../support/server-client.js';
import { build, launch, parseLog, type ServerProcess } from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

const BOOT_DEADLINE_MS = 30_000;

jest.setTimeout(90_000);
beforeAll(build, 120_000);

let folder: string;
let storage: Storage;
let server: ServerProcess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watchlist-log-'));
  storage = await createSqlite();
  const preloaded = join(folder, 'throws.mjs');
  writeFileSync(
    preloaded,
    `process.on('SIGUSR2', () => setImmediate(() => { throw new Error('uncaught'); }));`,
  );
});
afterEach(async () => {
  await server.remove();
  await storage.remove();
  rmSync(folder, { recursive: true });
});

/** A server whose stdout is this file. */
async function serve(stdout: string): Promise<void> {
  server = await launch({
    env: { ...ROOMY, ...storage.env },
    nodeOptions: ['--import', join(folder, 'throws.mjs')],
    shell: `exec "$@" > '${stdout}'`,
  });
  // Nothing in a log says when it listens.
  for (const deadline = Date.now() + BOOT_DEADLINE_MS; ; await sleep(50)) {
    const isUp = await call(server.url, { path: '/health' }).catch((error: unknown) => {
      if (Date.now() > deadline) throw error;
    });
    if (isUp) return;
  }
}

/** Each leaves a line of about 200 bytes in the log. */
async function ask(times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    expect((await call(server.url, { path: '/v1/health/detailed' })).status).toBe(200);
  }
}

const ENDS = [
  ['SIGTERM', 'SIGTERM', 0],
  ['an uncaught error', 'SIGUSR2', 1],
] as const;

const onLinux = process.platform === 'linux' ? it : it.skip;

describe.each(ENDS)('The server, ended by %s', (_cause, signal, code) => {
  onLinux(`answers while its log is on a full disk, and exits with code ${code}`, async () => {
    await serve('/dev/full');
    await ask(50);
    server.signal(signal);
    expect(await server.exited).toEqual({ code, signal: null, stdout: '', stderr: '' });
  });

  it(`answers while the reader of its log has stopped, and exits with code ${code}`, async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await serve(pipe);
      // More than a pipe holds.
      await ask(500);
      server.signal(signal);
      expect(await server.exited).toEqual({ code, signal: null, stdout: '', stderr: '' });
    } finally {
      closeSync(reader);
    }
  });
});

describe('A reader of the log that reads again', () => {
  it('gets whole lines: those that waited and those that come then', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await serve(pipe);
      await ask(500);
      let text = '';
      const buffer = Buffer.alloc(1024 * 1024);
      await eventually(() => {
        text += buffer.toString('latin1', 0, readSync(reader, buffer));
        expect(parseLog(text).filter(({ route }) => route === '/v1/health/detailed')).toHaveLength(500);
      });
    } finally {
      closeSync(reader);
    }
  });
});
