import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

const ROOT = {
  current_user_url: 'https://api.github.com/user',
  code_search_url: 'https://api.github.com/search/code?q={query}{&page,per_page,sort,order}',
  rate_limit_url: 'https://api.github.com/rate_limit',
};

/** Between the bytes of `drip`: at this pace the body takes some twenty seconds, longer than anyone may wait. */
const DRIP_INTERVAL_MS = 100;
const SLOW_MS = 100;

const json = (response: ServerResponse, body: unknown, status = 200) =>
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(typeof body === 'string' ? body : JSON.stringify(body));

/** The ways of answering, good and bad. */
const MODES = {
  ok: (_request, response) => json(response, ROOT),
  slow: (_request, response) => setTimeout(() => json(response, ROOT), SLOW_MS),
  hang: () => undefined,
  drip: (_request, response) => {
    const bytes = [...Buffer.from(JSON.stringify(ROOT))];
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => {
      const byte = bytes.shift();
      if (byte === undefined) response.end();
      else response.write(Buffer.of(byte));
    }, DRIP_INTERVAL_MS);
    response.on('close', () => clearInterval(timer));
  },
  'no content': (_request, response) => response.writeHead(204).end(),
  redirect: (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  'not modified': (_request, response) => response.writeHead(304).end(),
  forbidden: (_request, response) => json(response, { message: 'API rate limit exceeded' }, 403),
  'not found': (_request, response) => json(response, { message: 'Not Found' }, 404),
  'not found, broken off': (request, response) => breakOff(request, response, 404),
  'server error': (_request, response) => json(response, { message: 'Server Error' }, 500),
  unavailable: (_request, response) => response.writeHead(503).end(),
  html: (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>GitHub</h1>'),
  'json called text': (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(ROOT)),
  'no content type': (_request, response) => response.writeHead(200).end(JSON.stringify(ROOT)),
  'rubbish json': (_request, response) => json(response, '{"current_user_url": oops'),
  'empty body': (_request, response) => json(response, ''),
  'json null': (_request, response) => json(response, 'null'),
  'json array': (_request, response) => json(response, [ROOT]),
  'missing field': (_request, response) => json(response, { ...ROOT, rate_limit_url: undefined }),
  'wrong type': (_request, response) => json(response, { ...ROOT, rate_limit_url: 60 }),
  'not a url': (_request, response) => json(response, { ...ROOT, rate_limit_url: 'javascript:alert(1)' }),
  'endless url': (_request, response) =>
    json(response, { ...ROOT, rate_limit_url: `https://api.github.com/${'x'.repeat(3000)}` }),
  huge: (_request, response) => json(response, { ...ROOT, padding: 'x'.repeat(5_000_000) }),
  'huge when unpacked': (_request, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(gzipSync(JSON.stringify({ ...ROOT, padding: 'x'.repeat(5_000_000) }))),
  gzip: (_request, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(gzipSync(JSON.stringify(ROOT))),
  'not gzip': (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('oops'),
  'broken off': (request, response) => breakOff(request, response, 200),
  reset: (request) => request.socket.resetAndDestroy(),
  'not http': (request) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  upgrade: (request) =>
    request.socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    ),
} satisfies Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>;

export type GithubStubMode = keyof typeof MODES;

/** Ends the connection in the middle of a body whose length was announced. */
function breakOff(request: IncomingMessage, response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': '200' });
  response.write('{"current_user_url":', () => request.socket.destroy());
}

/** Stands in for api.github.com, on a free port of 127.0.0.1. */
export class GithubStub {
  /** Everything that was asked since the last {@link answer}, the tries of one call included. */
  readonly requests: {
    readonly path: string;
    readonly userAgent: string | undefined;
    readonly traceparent: string | string[] | undefined;
    readonly tracestate: string | string[] | undefined;
  }[] = [];
  private modes: GithubStubMode[] = ['ok'];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<GithubStub> {
    const server = createServer();
    const stub = new GithubStub(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { url: path = '', headers } = request;
      const { 'user-agent': userAgent, traceparent, tracestate } = headers;
      stub.requests.push({ path, userAgent, traceparent, tracestate });
      MODES[stub.nextMode()](request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** One mode per request from now on; the last one stays. Starts the count again. */
  answer(...modes: [GithubStubMode, ...GithubStubMode[]]): void {
    this.modes = modes;
    this.requests.length = 0;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private nextMode(): GithubStubMode {
    return (this.modes.length > 1 ? this.modes.shift() : this.modes[0]) as GithubStubMode;
  }
}
