import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Redis that a test may stop, kill and freeze: a process of the test's own, always on the same free port. */
export class RedisServer {
  private child: ChildProcess | undefined;
  private exited: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly port: number,
    private readonly folder: string,
  ) {}

  /** It runs when this resolves; end it with {@link remove}. */
  static async create(): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'watchlist-redis-')));
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts with nothing in it. */
  async start(): Promise<void> {
    const child = spawn(
      'redis-server',
      ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
      { cwd: this.folder, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.child = child;
    this.exited = new Promise((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (data) => String(data).includes('Ready to accept connections') && resolve());
      child.once('error', () => reject(new Error('redis-server cannot be started: is it installed?')));
      child.once('exit', (code) => reject(new Error(`redis-server exited with code ${code}`)));
    });
  }

  /** As `systemctl stop` does: it says goodbye to its clients. */
  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  /** It still accepts connections and reads what is sent, and never answers. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    this.child?.kill(signal);
    // What is frozen hears nothing but SIGKILL.
    this.resume();
    await this.exited;
    this.child = undefined;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
