import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { GatedUpstream } from '../support/gated-upstream.js';
import { ROOMY } from '../support/server-client.js';
import { build, freePort, type ServerProcess, startServer } from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

jest.setTimeout(120_000);
beforeAll(build, 120_000);

const GET = 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n';

let storage: Storage;
let server: ServerProcess;
const sockets: Socket[] = [];
beforeEach(async () => {
  storage = await createSqlite();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.remove();
  await storage.remove();
});

async function serve(env: Record<string, string>, nodeOptions: string[] = []): Promise<void> {
  server = await startServer({ env: { ...ROOMY, ...storage.env, ...env }, nodeOptions });
}

function open(host = '127.0.0.1', options: { port?: number; localAddress?: string } = {}): Socket {
  const socket = connect({ host, port: Number(new URL(server.url).port), ...options });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Whether a new connection is answered. It then stays open. */
const isServed = (socket: Socket) =>
  new Promise<boolean>((resolve) => {
    socket.write(GET);
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });

const warnings = () => server.logs().filter(({ level }) => level === 'warn');

describe('MAX_CONNECTIONS_PER_ADDRESS', () => {
  const open30 = (localAddress?: string) =>
    Promise.all(
      Array.from({ length: 30 }, () =>
        isServed(open('127.0.0.1', { ...(localAddress && { localAddress }) })),
      ),
    );
  const countOf = (answers: boolean[]) => answers.filter(Boolean).length;

  it('closes further connections of an address, says so once, and harms no other address', async () => {
    await serve({ MAX_CONNECTIONS_PER_ADDRESS: '20' });
    expect(countOf(await open30())).toBe(20);
    expect(countOf(await open30())).toBe(0);
    expect(await isServed(open('127.0.0.1', { localAddress: '127.0.0.2' }))).toBe(true);
    await eventually(() =>
      expect(warnings().map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/^127\.0\.0\.1 has 20 open connections.*MAX_CONNECTIONS_PER_ADDRESS/),
      ]),
    );
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually(async () => expect(await isServed(open())).toBe(true));
  });

  it('does not apply to a trusted proxy', async () => {
    await serve({ MAX_CONNECTIONS_PER_ADDRESS: '20', TRUST_PROXY: '127.0.0.1/32' });
    expect(countOf(await open30())).toBe(30);
    expect(countOf(await open30('127.0.0.2'))).toBe(20);
  });

  it('is off when it is 0', async () => {
    await serve({ MAX_CONNECTIONS_PER_ADDRESS: '0' });
    expect(countOf(await open30())).toBe(30);
  });
});

describe('METRICS_PORT', () => {
  it('takes at most 20 connections', async () => {
    const port = await freePort();
    await serve({ HOST: '127.0.0.1', METRICS_PORT: String(port) });
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => isServed(open('127.0.0.1', { port }))),
    );
    expect(answers.filter(Boolean)).toHaveLength(20);
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually(async () => expect(await isServed(open('127.0.0.1', { port }))).toBe(true));
  });
});

describe('KEEP_ALIVE_SECONDS', () => {
  it('is how long a connection stays open between two requests', async () => {
    await serve({ KEEP_ALIVE_SECONDS: '1' });
    const socket = open();
    expect(await isServed(socket)).toBe(true);
    await eventually(() => expect(socket.destroyed).toBe(true));
  });

  it('can be longer than the time that the server waits for headers', async () => {
    await serve({ KEEP_ALIVE_SECONDS: '620' });
    const socket = open();
    expect(await isServed(socket)).toBe(true);
    await sleep(8_000);
    expect(await isServed(socket)).toBe(true);
  });
});

describe('A client that keeps its half of a refused connection open', () => {
  it('is cut off, also while it goes on sending', async () => {
    await serve({});
    for (const goesOn of [false, true]) {
      const { port } = new URL(server.url);
      const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
      sockets.push(socket);
      socket.on('error', () => undefined).resume();
      socket.write('no HTTP\r\n\r\n');
      await once(socket, 'end');
      const timer = setInterval(() => goesOn && socket.write('x'), 100);
      await eventually(() => {
        socket.write('x');
        expect(socket.destroyed).toBe(true);
      });
      clearInterval(timer);
    }
  });
});

describe('HOST=localhost with two addresses', () => {
  let folder: string;
  let metricsPort: number;
  let upstream: GatedUpstream;
  const HOSTS = ['127.0.0.1', '::1'];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-localhost-'));
    const preloaded = join(folder, 'localhost.mjs');
    // Not every machine knows localhost by both.
    writeFileSync(
      preloaded,
      `import dns from 'node:dns';
       import { syncBuiltinESMExports } from 'node:module';
       const both = [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }];
       const { lookup } = dns;
       const { lookup: lookupLater } = dns.promises;
       dns.lookup = (host, options, callback) =>
         host === 'localhost' && options.all ? callback(null, both) : lookup(host, options, callback);
       dns.promises.lookup = async (host, options) =>
         host === 'localhost' ? both : lookupLater(host, options);
       syncBuiltinESMExports();`,
    );
    metricsPort = await freePort();
    upstream = await GatedUpstream.start();
    const env = {
      HOST: 'localhost',
      METRICS_PORT: String(metricsPort),
      GITHUB_API_URL: upstream.url,
      MAX_CONNECTIONS_PER_ADDRESS: '20',
    };
    await serve(env, ['--import', preloaded]);
  });
  afterEach(() => {
    upstream.close();
    rmSync(folder, { recursive: true });
  });

  const answerTo = (host: string, bytes: string, port?: number) => {
    const socket = open(host, { ...(port && { port }) });
    socket.write(bytes);
    return text(socket);
  };

  it.each(HOSTS)('answers broken and odd requests to %s with problem documents', async (host) => {
    for (const [bytes, status] of [
      ['no HTTP\r\n\r\n', 400],
      ['CONNECT example.com:443 HTTP/1.1\r\nhost: a\r\n\r\n', 404],
      ['GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: tea\r\n\r\n', 200],
      ['GET /health HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
      ['', 408],
    ] as const) {
      const answer = await answerTo(host, bytes);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(answer).toMatch(/^x-request-id: /im);
      if (status !== 200) expect(answer).toContain('application/problem+json');
    }
  });

  it.each(HOSTS)('serves metrics on %s, with problem documents too', async (host) => {
    const ask = 'GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
    expect(await answerTo(host, ask, metricsPort)).toMatch(/^HTTP\/1.1 200 /);
    expect(await answerTo(host, 'no HTTP\r\n\r\n', metricsPort)).toContain('application/problem+json');
  });

  it('limits the connections of each address', async () => {
    for (const host of HOSTS) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => isServed(open(host))));
      expect(answers.filter(Boolean)).toHaveLength(20);
    }
  });

  it('finishes the requests to both addresses at SIGTERM, and closes idle connections', async () => {
    for (const host of HOSTS) await isServed(open(host));
    const inFlight = HOSTS.map((host) =>
      answerTo(host, 'GET /v1/external/github HTTP/1.1\r\nhost: a\r\n\r\n'),
    );
    await upstream.asked();
    server.signal('SIGTERM');
    await eventually(async () => expect(await isServed(open('::1'))).toBe(false));
    upstream.answer();
    for (const answer of await Promise.all(inFlight)) expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(await server.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
  });
});
