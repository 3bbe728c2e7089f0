import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lockFile } from '../../src/database/drivers/sqlite/sqlite-file.js';

const ROOT = join(__dirname, '../..');
const BUILT = join(ROOT, 'dist/main.js');
const DEADLINE_MS = 30_000;

/** What a process left behind when it was over. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built server as it runs in production: a process with an environment and a working folder of its own. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  readonly folder: string;
  /** The log's lines so far, parsed. */
  logs(): Record<string, unknown>[];
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  /** Ends it, however it is doing, and removes the folder unless it was given. */
  remove(): Promise<void>;
}

export interface ServerProcessOptions {
  /** All that the process is told; nothing is inherited. `PORT` is a free one unless it is set. */
  readonly env?: Record<string, string>;
  /** An empty one of its own when left out. */
  readonly folder?: string;
  /** Such as `--import`, for what a test does to the process from within. */
  readonly nodeOptions?: readonly string[];
  /** Shell code that starts the server: `exec "$@"`, with limits before it and redirections behind it. */
  readonly shell?: string;
}

/** Resolves when the server listens. */
export async function startServer(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const server = await launch(options);
  const deadline = Date.now() + DEADLINE_MS;
  let isOver = false;
  void server.exited.then(() => (isOver = true));
  while (!server.logs().some(({ msg }) => String(msg).startsWith('listening on'))) {
    if (isOver || Date.now() > deadline) {
      server.signal('SIGKILL');
      const { stdout, stderr } = await server.exited;
      throw new Error(`the server does not start:\n${stdout}${stderr}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return server;
}

/** Starts a server that is to end by itself, and waits for that. */
export async function runServer(options: ServerProcessOptions = {}): Promise<Exit> {
  const server = await launch(options);
  const timer = setTimeout(() => server.signal('SIGKILL'), DEADLINE_MS);
  const exit = await server.exited;
  clearTimeout(timer);
  await server.remove();
  return exit;
}

/** Does not wait until the server listens, as {@link startServer} does by reading the log. */
export async function launch({
  env = {},
  folder,
  nodeOptions = [],
  shell = 'exec "$@"',
}: ServerProcessOptions): Promise<ServerProcess> {
  await build();
  const cwd = folder ?? mkdtempSync(join(tmpdir(), 'watchlist-server-'));
  const port = env['PORT'] ?? String(await freePort());
  const child = spawn('/bin/sh', ['-c', shell, 'sh', process.execPath, ...nodeOptions, BUILT], {
    cwd,
    env: { ...env, PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  const exited = new Promise<Exit>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    folder: cwd,
    logs: () => parseLog(stdout),
    signal: (name) => child.kill(name),
    exited,
    remove: async () => {
      child.kill('SIGKILL');
      await exited;
      if (folder === undefined) rmSync(cwd, { recursive: true, force: true });
    },
  };
}

/** Every complete line is JSON; throws when one is not. */
export function parseLog(stdout: string): Record<string, unknown>[] {
  return stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

let building: Promise<void> | undefined;

/** Builds the server if its source has changed since; one of several test processes does it, the others wait. */
export function build(): Promise<void> {
  building ??= (async () => {
    const release = await lockFile(join(ROOT, 'node_modules/.build'), 120_000);
    try {
      if (!isBuilt()) await compile();
    } finally {
      await release();
    }
  })();
  return building;
}

function isBuilt(): boolean {
  const builtAt = statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return sources
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .every((file) => statSync(join(ROOT, 'src', file)).mtimeMs < builtAt);
}

/** As `npm run build:server` does, but beside what is there: servers that run on it are not disturbed. */
async function compile(): Promise<void> {
  const draft = `${join(ROOT, 'dist')}.${process.pid}`;
  const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: ROOT });
  try {
    await run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
    await run('node_modules/rolldown/bin/cli.mjs', '-c', '--dir', draft);
    rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
    renameSync(draft, join(ROOT, 'dist'));
  } catch (error) {
    throw new Error(`the server cannot be built:\n${(error as { stdout?: string }).stdout ?? error}`, {
      cause: error,
    });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** A port that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
