import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

interface Link {
  readonly downstream: Socket;
  readonly upstream: Socket;
  /** What the target sends passes through this. */
  readonly answers: Transform;
}

/** Right behind an answer that `isCue`, the target says `farewell` and closes the connection. */
export interface Dismissal {
  readonly isCue: (answer: Buffer) => boolean;
  readonly farewell: Buffer;
}

/** Stands between the server and a dependency, so that a test can take the dependency away and give it back. */
export class TcpProxy {
  private server: Server | undefined;
  private readonly links = new Set<Link>();
  private isHanging = false;
  private dismissal: Dismissal | undefined;
  private port = 0;

  private constructor(private readonly target: URL) {}

  static async to(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    await proxy.restore();
    return proxy;
  }

  /** The target's address, by way of the proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  /** Every connection breaks, and no new one is accepted. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    this.breakConnections();
    await closed;
    this.server = undefined;
  }

  /** Every connection breaks; new ones are accepted. */
  breakConnections(): void {
    for (const { downstream } of this.links) downstream.destroy();
  }

  /** Connections stay, and new ones are accepted, but not a byte comes through until {@link restore}. */
  hang(): void {
    this.isHanging = true;
    this.forget();
  }

  /** As {@link hang}, but new connections work: what a firewall does that has lost its memory, or a failover. */
  forget(): void {
    for (const link of this.links) unpipe(link);
  }

  /** The target ends connections by itself, until {@link restore}. */
  dismiss(dismissal: Dismissal): void {
    this.dismissal = dismissal;
  }

  /** All is as in the beginning, at the same address; what was held back comes through. */
  async restore(): Promise<void> {
    this.isHanging = false;
    this.dismissal = undefined;
    for (const link of this.links) pipe(link);
    if (this.server !== undefined) return;
    const server = createServer((downstream) => this.accept(downstream));
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  private accept(downstream: Socket): void {
    const upstream = connect(Number(this.target.port), this.target.hostname);
    const answers = new Transform({
      transform: (answer: Buffer, _encoding, done) => {
        if (this.dismissal?.isCue(answer)) {
          // In one piece, so that the one is read with the other.
          answers.push(Buffer.concat([answer, this.dismissal.farewell]));
          upstream.unpipe(answers);
          answers.push(null);
        } else {
          answers.push(answer);
        }
        done();
      },
    });
    const link = { downstream, upstream, answers };
    this.links.add(link);
    answers.pipe(downstream);
    if (!this.isHanging) pipe(link);
    for (const [socket, peer] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      socket.on('error', () => peer.destroy());
      socket.on('close', () => {
        this.links.delete(link);
        peer.destroy();
      });
    }
  }
}

function unpipe({ downstream, upstream, answers }: Link): void {
  downstream.unpipe(upstream);
  upstream.unpipe(answers);
}

function pipe(link: Link): void {
  // What flows already would come through twice.
  unpipe(link);
  const { downstream, upstream, answers } = link;
  downstream.pipe(upstream).pipe(answers);
}
