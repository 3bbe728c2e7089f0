import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { PASSWORD, randomEmail } from '../support/actors.js';
import { type Caddy, startCaddy } from '../support/caddy.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/expected.js';
import { type Answer, ROOMY } from '../support/server-client.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { createPostgres, emptyRedis, type Storage } from '../support/stack.js';

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
const LOGINS = 5;

interface Sent {
  readonly path: string;
  readonly body?: object | Buffer;
  readonly headers?: Record<string, string>;
  /** The client's address, by default one that no other request has. */
  readonly from?: string;
}

let clients = 1;
const nextClient = () => `127.0.1.${++clients}`;

/** Sends one request over a connection of its own. */
async function send(url: string, { path, body, headers = {}, from = nextClient() }: Sent): Promise<Answer> {
  const outgoing = request(`${url}${path}`, {
    agent: false,
    method: body ? 'POST' : 'GET',
    localAddress: from,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
  });
  outgoing.end(Buffer.isBuffer(body) ? body : body && JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const content = await text(response);
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode!,
    headers: response.headers as Record<string, string>,
    body: isJson ? JSON.parse(content) : content,
  };
}

(hasRedis ? describe : describe.skip)('ops/Caddyfile in front of two servers', () => {
  let storage: Storage;
  let servers: ServerProcess[];
  let caddy: Caddy;
  const credentials = { email: randomEmail(), password: PASSWORD };
  const signIn = (sent: Partial<Sent> = {}) =>
    send(caddy.dashboardUrl, { path: '/v1/auth/login', body: credentials, ...sent });

  beforeAll(async () => {
    storage = await createPostgres();
    const env = {
      ...ROOMY,
      ...storage.env,
      REDIS_URL: await emptyRedis(),
      REDIS_COMMAND_TIMEOUT_MS: '5000',
      RATE_LIMIT_LOGIN: `${LOGINS}/3600`,
      TRUST_PROXY: 'loopback',
    };
    servers = await Promise.all([startServer({ env }), startServer({ env })]);
    caddy = await startCaddy(servers.map(({ url }) => url));
    const { status } = await send(caddy.apiUrl, { path: '/v1/auth/register', body: credentials });
    expect(status).toBe(201);
  }, 120_000);
  afterAll(async () => {
    await caddy.remove();
    await Promise.all(servers.map((server) => server.remove()));
    await storage.remove();
  });

  it('opens the dashboard at the root of its second port', async () => {
    const root = await send(caddy.dashboardUrl, { path: '/' });
    expect({ status: root.status, location: root.headers['location'] }).toEqual({
      status: 302,
      location: '/dashboard',
    });
    const page = await send(caddy.dashboardUrl, { path: '/dashboard' });
    expect(page.headers['content-security-policy']).toMatch(/script-src 'self'/);
    const [, script] = /src="([^"]+\.js)"/.exec(String(page.body))!;
    const loaded = await send(caddy.dashboardUrl, { path: script! });
    expect({ status: loaded.status, type: loaded.headers['content-type'] }).toEqual({
      status: 200,
      type: expect.stringContaining('javascript'),
    });
  });

  it('refreshes a session by its cookie for a page of its own origin only', async () => {
    const body = { ...credentials, transport: 'cookie' };
    const signedIn = await signIn({ body, headers: { origin: caddy.dashboardUrl } });
    expect(signedIn.status).toBe(200);
    const [cookie] = String(signedIn.headers['set-cookie']).split(';');
    const refresh = (origin: string) =>
      send(caddy.dashboardUrl, {
        path: '/v1/auth/refresh',
        body: { transport: 'cookie' },
        headers: { origin, cookie: cookie! },
      });
    expect((await refresh('http://evil.example')).status).toBe(403);
    expect((await refresh(caddy.dashboardUrl)).status).toBe(200);
  });

  it('states the address of the client, not the one that the client claims', async () => {
    const from = nextClient();
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' };
    const { access_token } = (await signIn({ from, headers })).body as { access_token: string };
    const { body } = await send(caddy.apiUrl, {
      path: '/v1/auth/sessions',
      headers: { ...headers, authorization: `Bearer ${access_token}` },
      from,
    });
    const { sessions } = body as { sessions: { current: boolean; address: string }[] };
    expect(sessions.find(({ current }) => current)!.address).toBe(from);
  });

  it('limits each client by its own address, between both servers', async () => {
    const from = nextClient();
    const answers = await Promise.all(
      Array.from({ length: 4 * LOGINS }, (_, n) =>
        signIn({ from, headers: { 'x-forwarded-for': `203.0.113.${n}` } }),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(3 * LOGINS);
    for (const answer of refused) {
      expectProblem(answer, 429, 'RATE_LIMITED');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect((await signIn()).status).toBe(200);
  });

  it('passes on 413 while the client still sends the body', async () => {
    const body = Buffer.alloc(500_000, ' ');
    const codes = new Set<string>();
    for (let n = 0; n < 10; n++) {
      const answer = await send(caddy.apiUrl, { path: '/v1/auth/register', body });
      codes.add(answer.body.code);
    }
    expect([...codes]).toEqual(['BODY_TOO_LARGE']);
  });

  it('passes on 503 with its Retry-After while the database is away', async () => {
    await storage.remove();
    const answer = await signIn();
    expectProblem(answer, 503, 'DEPENDENCY_DOWN');
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('asks the other server when one of the two has died', async () => {
    const served = (server: ServerProcess) => server.logs().filter(({ msg }) => msg === 'request').length;
    await eventually(() => expect(servers.map(served)).not.toContain(0));
    servers[0]!.signal('SIGKILL');
    await servers[0]!.exited;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send(caddy.apiUrl, { path: '/health' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  });
});
