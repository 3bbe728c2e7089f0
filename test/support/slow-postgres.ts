import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { between, branch } from './seeded.js';

/** Of all replies, as many as in a database that is busy and a network away: enough for others to slip in between. */
const SHARE = 0.3;
const LEAST_MS = 5;
const MOST_MS = 60;

/**
 * Stands in front of PostgreSQL and holds some of its replies back. On one machine a read and a write are over so
 * soon that they hardly ever meet; a protocol that goes wrong when they do would look sound.
 */
export class SlowPostgres {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly target: URL,
    private readonly random: () => number,
  ) {
    this.server = createServer((downstream) => this.accept(downstream));
  }

  static async before(databaseUrl: string, random: () => number): Promise<SlowPostgres> {
    const slow = new SlowPostgres(new URL(databaseUrl), random);
    await new Promise<void>((resolve) => slow.server.listen(0, '127.0.0.1', resolve));
    return slow;
  }

  /** PostgreSQL's address, by this way. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private accept(downstream: Socket): void {
    const upstream = connect(Number(this.target.port), this.target.hostname);
    downstream.pipe(upstream).pipe(this.delay()).pipe(downstream);
    for (const [socket, peer] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => peer.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        peer.destroy();
      });
    }
  }

  private delay(): Transform {
    const random = branch(this.random);
    return new Transform({
      transform: (reply, _encoding, pass) => {
        if (random() >= SHARE) pass(null, reply);
        else setTimeout(() => pass(null, reply), between(LEAST_MS, MOST_MS, random));
      },
    });
  }
}
