import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Link {
  readonly downstream: Socket;
  readonly upstream: Socket;
}

/** Stands between the server and a dependency, so that a test can take the dependency away and give it back. */
export class TcpProxy {
  private server: Server | undefined;
  private readonly links = new Set<Link>();
  private isHanging = false;
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
    for (const { downstream, upstream } of this.links) {
      downstream.unpipe(upstream);
      upstream.unpipe(downstream);
    }
  }

  /** All is as in the beginning, at the same address; what was held back comes through. */
  async restore(): Promise<void> {
    this.isHanging = false;
    for (const link of this.links) pipe(link);
    if (this.server !== undefined) return;
    const server = createServer((downstream) => this.accept(downstream));
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  private accept(downstream: Socket): void {
    const link = { downstream, upstream: connect(Number(this.target.port), this.target.hostname) };
    this.links.add(link);
    if (!this.isHanging) pipe(link);
    for (const [socket, peer] of [
      [downstream, link.upstream],
      [link.upstream, downstream],
    ] as const) {
      socket.on('error', () => peer.destroy());
      socket.on('close', () => {
        this.links.delete(link);
        peer.destroy();
      });
    }
  }
}

function pipe({ downstream, upstream }: Link): void {
  downstream.pipe(upstream).pipe(downstream);
}
