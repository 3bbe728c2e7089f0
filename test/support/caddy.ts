import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freePort } from './server-process.js';

const CADDYFILE = readFileSync(join(__dirname, '../../ops/Caddyfile'), 'utf8');

export interface Caddy {
  /** Port 8000 of the Caddyfile. */
  readonly apiUrl: string;
  /** Port 8501 of the Caddyfile. */
  readonly dashboardUrl: string;
  remove(): Promise<void>;
}

/** Runs ops/Caddyfile on free ports, with these servers in place of the addresses that Docker's DNS would return. */
export async function startCaddy(servers: readonly string[]): Promise<Caddy> {
  const folder = mkdtempSync(join(tmpdir(), 'watchlist-caddy-'));
  const [apiPort, dashboardPort] = [await freePort(), await freePort()];
  const file = join(folder, 'Caddyfile');
  writeFileSync(
    file,
    [
      [/^\t\tdynamic a api 8000 \{\n.*\n\t\t\}$/m, `\t\tto ${servers.join(' ')}`],
      [/^:8000 /m, `:${apiPort} `],
      [/^:8501 /m, `:${dashboardPort} `],
    ].reduce((text, [part, replacement]) => {
      if (text.search(part!) === -1) throw new Error(`ops/Caddyfile has no ${String(part)}`);
      return text.replace(part!, String(replacement));
    }, CADDYFILE),
  );
  const child = spawn('caddy', ['run', '--adapter', 'caddyfile', '--config', file], {
    env: { PATH: process.env['PATH'], HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (data) => (log += String(data)));
  const exited = once(child, 'close');
  const remove = async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const port of [apiPort, dashboardPort]) await eventually(() => accepts(port));
  } catch {
    await remove();
    throw new Error(`Caddy does not start:\n${log}`);
  }
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    dashboardUrl: `http://127.0.0.1:${dashboardPort}`,
    remove,
  };
}

async function accepts(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
