import { execFile, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lockFile } from '../../src/database/drivers/sqlite/sqlite-file.js';
import { eventually } from './eventually.js';
import type { Exit } from './server-process.js';

const ROOT = join(__dirname, '../..');
const CLIENT = join(ROOT, 'clients/typescript');
const DEADLINE_MS = 25_000;

export interface ScriptOptions {
  /** All that the script is told; nothing is inherited. */
  readonly env?: Record<string, string>;
  /** JavaScript that runs in the process before the script. */
  readonly before?: string;
}

export interface RunningScript {
  readonly exited: Promise<Exit>;
  /** Resolves when the script has written this. */
  written(pattern: RegExp): Promise<void>;
  kill(): void;
}

/** A script of the repository as somebody runs it, on the built client. */
export async function startScript(
  file: string,
  { env = {}, before }: ScriptOptions = {},
): Promise<RunningScript> {
  await buildClient();
  const preload =
    before === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(before)}`];
  const child = spawn(process.execPath, [...preload, join(ROOT, file)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  return {
    exited: new Promise((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
    ),
    written: (pattern) => eventually(async () => expect(stdout).toMatch(pattern)),
    kill: () => child.kill('SIGKILL'),
  };
}

export async function runScript(file: string, options?: ScriptOptions): Promise<Exit> {
  return (await startScript(file, options)).exited;
}

/** If its source has changed since; one of several test processes does it, the others wait. */
async function buildClient(): Promise<void> {
  const release = await lockFile(join(tmpdir(), `watchlist-client-${process.getuid?.() ?? 0}`), 120_000);
  try {
    if (isBuilt()) return;
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', join(CLIENT, 'tsconfig.json')]);
  } finally {
    await release();
  }
}

function isBuilt(): boolean {
  const changedAt = (path: string) => statSync(join(CLIENT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return readdirSync(join(CLIENT, 'src'), { encoding: 'utf8' })
    .filter((file) => !file.endsWith('.spec.ts'))
    .every((file) => changedAt(`src/${file}`) < changedAt(`dist/${file.replace(/ts$/, 'js')}`));
}
