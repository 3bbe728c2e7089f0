import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PASSWORD } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { bytesOf } from '../support/raw-http.js';
import { discrepancies, readStored, type RecordedWrite } from '../support/recorded-writes.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

const LOGIN = '/v1/auth/login';
const ITEMS = '/v1/watchlists/items';

jest.setTimeout(240_000);
beforeAll(build, 120_000);

let storage: Storage;
let server: ServerProcess;
beforeAll(async () => {
  storage = await createSqlite();
  server = await startServer({ env: { ...ROOMY, ...storage.env } });
});
afterAll(async () => {
  await server.remove();
  await storage.remove();
});

/** A connection that its client uses as it likes. */
class Connection {
  received = '';
  isClosed = false;
  private constructor(readonly socket: Socket) {
    socket.on('data', (data) => (this.received += String(data)));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  static async open(): Promise<Connection> {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    const connection = new Connection(socket);
    await once(socket, 'connect');
    return connection;
  }

  /** A byte at a time, until the server has had enough. */
  async drip(byte: string): Promise<void> {
    for (; !this.isClosed && this.socket.writable; await sleep(300)) this.socket.write(byte);
  }
}

/** The ports, of these, at whose other end the server still holds a socket. Only Linux tells. */
function heldByServer(ports: readonly number[]): number[] {
  if (!existsSync('/proc/net/tcp')) return [];
  const serverPort = Number(new URL(server.url).port);
  const portOf = (address: string) => Number.parseInt(address.split(':')[1]!, 16);
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1, -1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => portOf(columns[1]!) === serverPort && columns[9] !== '0')
    .map((columns) => portOf(columns[2]!))
    .filter((port) => ports.includes(port));
}

/** Somebody who reads and writes as usual, one request after the other, as long as this lasts. */
async function useMeanwhile(event: Promise<unknown>): Promise<number[]> {
  const member = await signUp(server.url);
  const statuses: number[] = [];
  let isOver = false;
  void event.then(() => (isOver = true));
  for (let n = 0; !isOver; n++) {
    const body = { title: `meanwhile ${n}`, type: 'movie' };
    const { status } = await call(server.url, { path: ITEMS, token: member.token, body });
    const list = await call(server.url, { path: '/v1/watchlists', token: member.token });
    statuses.push(status, list.status);
    expect(list.body.total).toBe(n + 1);
  }
  return statuses;
}

describe('240 slow clients', () => {
  const HEAD = 'GET /health HTTP/1.1\r\nhost: localhost\r\n';
  const LOGIN_HEAD = `POST ${LOGIN} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
  const OF_EACH_KIND = 40;
  const KINDS: [string, string, string][] = [
    ['that send nothing', '', ''],
    ['that drip their request line', 'GET /', 'x'],
    ['that drip their headers', `${HEAD}x-header: `, 'x'],
    ['that drip their body', `${LOGIN_HEAD}content-length: 1000\r\n\r\n{"email":"`, 'x'],
    ['that drip their chunks', `${LOGIN_HEAD}transfer-encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
    ['that drip their second request', `${HEAD}\r\nGET /`, 'x'],
  ];

  it('are cut off, each with 408 or nothing, while everybody else is served', async () => {
    const slow = await Promise.all(
      KINDS.flatMap((kind) => Array<typeof kind>(OF_EACH_KIND).fill(kind)).map(
        async ([name, beginning, byte]) => {
          const connection = await Connection.open();
          const closed = once(connection.socket, 'close');
          connection.socket.write(beginning);
          void connection.drip(byte);
          return { name, connection, closed, port: connection.socket.localPort! };
        },
      ),
    );
    const over = Promise.all(slow.map(({ closed }) => closed));
    const served = await useMeanwhile(over);
    expect(served.filter((status) => status !== 200 && status !== 201)).toEqual([]);
    expect(served.length).toBeGreaterThan(20);

    const answers = slow.map(({ name, connection }) => ({
      name,
      statuses: connection.received.match(/^HTTP\/1\.1 \d+/gm)?.map((line) => Number(line.slice(9))) ?? [],
    }));
    for (const { name, statuses } of answers) {
      // Who goes on sending may lose the answer: the connection is reset before they read it.
      const possible =
        name === 'that send nothing'
          ? [[408]]
          : name === 'that drip their second request'
            ? [[200], [200, 408]]
            : [[], [408]];
      expect({ name, statuses, possible }).toMatchObject({ possible: expect.arrayContaining([statuses]) });
    }
    await eventually(() => expect(heldByServer(slow.map(({ port }) => port))).toEqual([]));
  });
});

describe('300 clients who do not read their answers', () => {
  const ANSWERS = 10;
  const requests = Buffer.concat(
    Array<Buffer>(ANSWERS).fill(bytesOf({ path: '/docs/swagger-ui-bundle.js' })),
  );

  it('are cut off, and a client who reads slowly gets every answer whole', async () => {
    const expected = (await (await fetch(`${server.url}/docs/swagger-ui-bundle.js`)).arrayBuffer())
      .byteLength;
    const silent = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const { socket } = await Connection.open();
        socket.pause();
        socket.write(requests);
        return socket;
      }),
    );
    const ports = silent.map(({ localPort }) => localPort!);
    const reading = readSlowly(requests, ANSWERS * expected);

    let left = ports;
    while ((left = heldByServer(left)).length > 0) await sleep(1000);
    expect(await reading).toBeGreaterThan(ANSWERS * expected);
    expect((await call(server.url, { path: '/health' })).status).toBe(200);
    for (const socket of silent) socket.destroy();
  });

  /** Reads with pauses, so that it takes longer than the server waits for a client who does not read. */
  async function readSlowly(bytes: Buffer, total: number): Promise<number> {
    const { socket } = await Connection.open();
    socket.removeAllListeners('data');
    socket.write(bytes);
    const pause = 75_000 / (total / socket.readableHighWaterMark);
    let received = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (received > total) break;
      await sleep((pause * chunk.length) / socket.readableHighWaterMark);
    }
    return received;
  }
});

describe('Clients who go away', () => {
  const CLIENTS = 60;
  const TYPE = { 'content-type': 'application/json' };
  let ada: Member;
  let credentials: object;
  beforeAll(async () => {
    ada = await signUp(server.url);
    credentials = { email: ada.email, password: PASSWORD };
  });

  /** What they send, and then nothing more: half of them say goodbye, half do not; some at once, some a little later. */
  async function sendAndLeave(bytesOfClient: (n: number) => Buffer): Promise<number[]> {
    return Promise.all(
      Array.from({ length: CLIENTS }, async (_, n) => {
        const { socket } = await Connection.open();
        const port = socket.localPort!;
        await new Promise((resolve) => socket.write(bytesOfClient(n), resolve));
        await sleep(n % 20);
        if (n % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
        return port;
      }),
    );
  }

  async function expectUnharmed(ports: readonly number[]): Promise<void> {
    const body = { title: 'afterwards', type: 'movie' };
    await eventually(async () =>
      expect((await call(server.url, { path: ITEMS, token: ada.token, body })).status).toBe(201),
    );
    expect((await call(server.url, { path: '/v1/watchlists', token: ada.token })).status).toBe(200);
    await eventually(() => expect(heldByServer(ports)).toEqual([]));
    expect(server.logs().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  }

  it('in the middle of a body leave nothing behind', async () => {
    const whole = bytesOf({
      method: 'POST',
      path: ITEMS,
      headers: { ...TYPE, authorization: `Bearer ${ada.token}`, 'x-request-id': 'half' },
      body: JSON.stringify({ title: 'half', type: 'movie' }),
    });
    await expectUnharmed(await sendAndLeave(() => whole.subarray(0, -5)));
    const { logs } = await readStored(storage.env['DATABASE_URL']!, [ada]);
    expect(logs.filter(({ request_id }) => request_id === 'half')).toEqual([]);
  });

  it('while their write is under way have it whole or not at all', async () => {
    const member = await signUp(server.url);
    const writes = Array.from({ length: CLIENTS }, (_, n): RecordedWrite => {
      const title = `left-${n}`;
      return {
        requestId: title,
        action: 'watchlist_item.created',
        userId: member.id,
        itemId: null,
        changes: { title: { from: null, to: title }, type: { from: null, to: 'movie' } },
        outcome: 'unknown',
      };
    });
    const ports = await sendAndLeave((n) =>
      bytesOf({
        method: 'POST',
        path: ITEMS,
        headers: {
          ...TYPE,
          authorization: `Bearer ${member.token}`,
          'x-request-id': writes[n]!.requestId,
        },
        body: JSON.stringify({ title: writes[n]!.requestId, type: 'movie' }),
      }),
    );
    await expectUnharmed(ports);
    // Some may still be under way, but none stays half done.
    await eventually(async () => {
      const stored = await readStored(storage.env['DATABASE_URL']!, [member]);
      expect(discrepancies(writes, stored)).toEqual([]);
      // They did not all leave too early.
      expect(stored.items.length).toBeGreaterThan(0);
    });
  });

  it('while their password is hashed take nobody their turn for ever', async () => {
    const ports = await sendAndLeave(() =>
      bytesOf({ method: 'POST', path: LOGIN, headers: TYPE, body: JSON.stringify(credentials) }),
    );
    await eventually(async () => {
      const logins = Array.from({ length: 18 }, () => call(server.url, { path: LOGIN, body: credentials }));
      // As many as may run and wait: all of the room is theirs.
      expect((await Promise.all(logins)).map(({ status }) => status)).toEqual(Array(18).fill(200));
    });
    await expectUnharmed(ports);
  });

  it('while their answer is on its way stop nobody', async () => {
    const path = '/docs/swagger-ui-bundle.js';
    const ports = await sendAndLeave(() => bytesOf({ path }));
    expect((await fetch(`${server.url}${path}`)).status).toBe(200);
    await expectUnharmed(ports);
  });

  it('leave a server that ends in order', async () => {
    server.signal('SIGTERM');
    expect(await server.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
  });
});
