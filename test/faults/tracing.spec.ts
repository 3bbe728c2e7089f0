import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PASSWORD } from '../support/actors.js';
import { GithubStub } from '../support/github-stub.js';
import { OtlpReceiver } from '../support/otlp-receiver.js';
import { call, ROOMY, signUp } from '../support/server-client.js';
import {
  build,
  type Exit,
  freePort,
  parseLog,
  runServer,
  type ServerProcess,
  startServer,
} from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

/** What the process has loaded when it ends. OpenTelemetry's packages are CommonJS, whoever loads them. */
const TELL_WHAT_IS_LOADED = `
  import { writeFileSync } from 'node:fs';
  import { createRequire } from 'node:module';
  const { cache } = createRequire(import.meta.url);
  process.on('exit', () => writeFileSync('loaded.json', JSON.stringify(Object.keys(cache))));
`;
const END_BY_AN_ERROR = `
  process.on('SIGUSR2', () => setImmediate(() => { throw new Error('the cause of it all'); }));
`;

jest.setTimeout(120_000);
beforeAll(build, 120_000);

let folder: string;
let storage: Storage;
let collector: OtlpReceiver;
let server: ServerProcess | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watchlist-tracing-'));
  storage = await createSqlite();
  collector = await OtlpReceiver.start();
});
afterEach(async () => {
  await server?.remove();
  server = undefined;
  await collector.close();
  await storage.remove();
  rmSync(folder, { recursive: true });
});

/** A server in whose process this happens beside its own code. */
async function serve(code: string, env: Record<string, string>): Promise<ServerProcess> {
  const preloaded = join(folder, 'preloaded.mjs');
  writeFileSync(preloaded, code);
  const settings = { ...ROOMY, ...storage.env, ...env };
  server = await startServer({ env: settings, folder, nodeOptions: ['--import', preloaded] });
  return server;
}

async function ended(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
  server!.signal(signal);
  return server!.exited;
}

const ofOpenTelemetry = () =>
  (JSON.parse(readFileSync(join(folder, 'loaded.json'), 'utf8')) as string[]).filter((file) =>
    file.includes('/node_modules/@opentelemetry/'),
  );
const complaints = ({ stdout }: Exit) =>
  parseLog(stdout).filter(
    ({ context, level, msg }) =>
      context === 'OpenTelemetry' || (level === 'warn' && String(msg).includes('spans')),
  );

describe('Tracing', () => {
  it('loads nothing while nothing asks for it, says nothing and sends nothing on', async () => {
    const github = await GithubStub.start();
    try {
      const { url } = await serve(TELL_WHAT_IS_LOADED, { GITHUB_API_URL: github.url });
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      expect((await call(url, { path: '/v1/external/github', traceparent })).status).toBe(200);
      const exit = await ended();
      expect(exit).toMatchObject({ code: 0, stderr: '' });
      expect(ofOpenTelemetry()).toEqual([]);
      expect(exit.stdout).toContain('"route":"/v1/external/github"');
      expect(exit.stdout).not.toMatch(/trace|span/);
      expect(github.requests.map((request) => request.traceparent)).toEqual([undefined]);
    } finally {
      await github.close();
    }
  });

  /** Much of what this brings about does not fit into the queue that is left. */
  async function expectServedAsEver(env: Record<string, string>): Promise<Exit> {
    const { url } = await serve('', {
      OTEL_BSP_MAX_QUEUE_SIZE: '20',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
      OTEL_BSP_SCHEDULE_DELAY: '10',
      ...env,
    });
    const { token } = await signUp(url);
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 20 }, () => call(url, { path: '/v1/watchlists', token }));
      for (const { status } of await Promise.all(calls)) expect(status).toBe(200);
    }
    const exit = await ended();
    expect(exit).toMatchObject({ code: 0, signal: null, stderr: '' });
    return exit;
  }

  it('fails no request without its collector, and says once that there is none', async () => {
    const exit = await expectServedAsEver({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      // Gives up at once, and so again and again.
      OTEL_EXPORTER_OTLP_TIMEOUT: '50',
    });
    const [first, ...others] = complaints(exit).map(({ msg }) => msg);
    expect(first).toMatch(/^spans could not be sent: .*ECONNREFUSED/);
    // When there were any.
    expect(others.filter((message) => message !== 'the last spans were not sent')).toEqual([]);
    expect(others.length).toBeLessThanOrEqual(1);
  });

  it('fails no request when its collector hangs, and lets the process go', async () => {
    collector.mode = 'hang';
    const exit = await expectServedAsEver(collector.env);
    expect(collector.requests.length).toBeGreaterThan(0);
    expect(complaints(exit).at(-1)).toMatchObject({ msg: 'the last spans were not sent' });
    expect(complaints(exit).length).toBeLessThanOrEqual(2);
  });

  it('sends the spans that led to an uncaught error, in protobuf by default', async () => {
    const { url } = await serve(TELL_WHAT_IS_LOADED + END_BY_AN_ERROR, {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/elsewhere`,
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=for-the-collector',
      OTEL_SERVICE_NAME: 'watchlist-eu',
      OTEL_BSP_SCHEDULE_DELAY: '600000',
    });
    const user = await signUp(url);
    expect(await ended('SIGUSR2')).toMatchObject({ code: 1, stderr: '' });
    expect(collector.requests).toEqual([
      {
        path: '/elsewhere',
        headers: expect.objectContaining({
          'content-type': 'application/x-protobuf',
          'api-key': 'for-the-collector',
        }),
      },
    ]);
    const sent = Buffer.concat(collector.bodies).toString('latin1');
    for (const part of ['POST /v1/auth/login', 'INSERT sessions', 'watchlist-eu'])
      expect(sent).toContain(part);
    for (const secret of [PASSWORD, user.email, user.token]) expect(sent).not.toContain(secret);
    // What is not there while it is off.
    expect(ofOpenTelemetry().length).toBeGreaterThan(100);
  });

  it('is not begun by half: what cannot be meant stops the boot', async () => {
    const exit = await runServer({
      env: { ...ROOMY, ...storage.env, ...collector.env, OTEL_EXPORTER_OTLP_PROTOCOL: 'http' },
      folder,
    });
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toContain('OTEL_EXPORTER_OTLP_PROTOCOL must be one of');
  });
});
