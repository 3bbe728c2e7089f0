import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './eventually.js';

/** Stands in for api.github.com and answers when it is told to: whoever asked it is a request in flight until then. */
export class GatedUpstream {
  private readonly waiting: ServerResponse[] = [];
  private readonly server: Server = createServer((_request, response) => this.waiting.push(response));

  static async start(): Promise<GatedUpstream> {
    const upstream = new GatedUpstream();
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Until somebody waits for an answer. */
  asked(): Promise<void> {
    return eventually(() => expect(this.waiting).not.toEqual([]));
  }

  answer(): void {
    const root = {
      current_user_url: 'https://a.example/user',
      rate_limit_url: 'https://a.example/limit',
    };
    for (const response of this.waiting.splice(0))
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(root));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
