import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lockFile } from '../../src/database/drivers/sqlite/sqlite-file.js';
import type { Exit } from './server-process.js';

const ROOT = join(__dirname, '../..');
const CLIENT = join(ROOT, 'clients/typescript');
const DEADLINE_MS = 25_000;

export interface ScriptOptions {
  /** All that the script is told; nothing is inherited. */
  readonly env?: Record<string, string>;
}

/** A script of the repository as its users run it, on the built client. */
export async function runScript(file: string, { env = {} }: ScriptOptions = {}): Promise<Exit> {
  await buildClient();
  const child = spawn(process.execPath, [join(ROOT, file)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
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
