import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { eventually } from '../support/eventually.js';
import { parseExposition, valueOf } from '../support/exposition.js';
import { call, ROOMY } from '../support/server-client.js';
import { build, freePort, type ServerProcess, startServer } from '../support/server-process.js';
import { createPostgres, emptyRedis, type Storage } from '../support/stack.js';

const TOKEN = 'a-token-for-the-tests';
const UNMATCHED = { method: 'GET', route: 'unmatched', status: '404' };

jest.setTimeout(180_000);
beforeAll(build, 120_000);

/** The text that somebody gets who has the token, over a connection of their own: of whichever worker that is with. */
function scrape(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const asked = get(`${url}/metrics`, { agent: new Agent(), headers }, (response) => {
      const { statusCode } = response;
      text(response).then(
        (body) => (statusCode === 200 ? resolve(body) : reject(new Error(`${statusCode}: ${body}`))),
        reject,
      );
    });
    asked.on('error', reject);
  });
}

if (process.env['TEST_REDIS_URL'] !== undefined) {
  describe('The metrics of two workers', () => {
    let storage: Storage;
    let server: ServerProcess;
    let metricsUrl: string;
    beforeAll(async () => {
      storage = await createPostgres();
      const port = await freePort();
      metricsUrl = `http://127.0.0.1:${port}`;
      server = await startServer({
        env: {
          ...ROOMY,
          ...storage.env,
          REDIS_URL: await emptyRedis(),
          REDIS_COMMAND_TIMEOUT_MS: '5000',
          WEB_CONCURRENCY: '2',
          METRICS_TOKEN: TOKEN,
          METRICS_PORT: String(port),
        },
      });
    });
    afterAll(async () => {
      server.signal('SIGKILL');
      await server.remove();
      await storage.remove();
    });

    /** What is told of the whole server, at any of these addresses. */
    async function told(url: string) {
      const families = parseExposition(await scrape(url));
      const value = (name: string, labels = {}) => valueOf(families, name, labels);
      return {
        unmatched: value('http_request_duration_seconds_count', UNMATCHED) ?? 0,
        answering: value('watchlist_workers_answering'),
        exits: value('watchlist_worker_exits_total'),
        database: value('watchlist_database_up'),
        redis: value('watchlist_redis_up'),
      };
    }
    const BOTH = { answering: 2, exits: 0, database: 1, redis: 1 };

    /** So many requests, each over a connection of its own. */
    async function ask(count: number): Promise<void> {
      const answers = await Promise.all(
        Array.from({ length: count }, () => call(server.url, { path: '/made-up', agent: new Agent() })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(count).fill(404));
    }
    const workersThatAnswered = () =>
      new Set(
        server
          .logs()
          .filter(({ msg, status }) => msg === 'request' && status === 404)
          .map(({ pid }) => pid as number),
      );
    /** A request is counted a moment after its answer has come. */
    const eventuallyTold = (url: string, expected: object) =>
      eventually(async () => expect(await told(url)).toEqual(expected)).catch(() =>
        eventually(async () => expect(await told(url)).toEqual(expected)),
      );

    it('are told of both at either port, whichever is asked, and counted once', async () => {
      await ask(40);
      await eventually(() => expect(workersThatAnswered().size).toBe(2));
      for (const url of [server.url, metricsUrl])
        for (let n = 0; n < 4; n++) await eventuallyTold(url, { ...BOTH, unmatched: 40 });
    });

    it('do not go back when one is killed with -9, and tell of its successor too', async () => {
      const [victim] = workersThatAnswered();
      process.kill(victim!, 'SIGKILL');
      await eventuallyTold(metricsUrl, { ...BOTH, unmatched: 40, exits: 1 });
      await ask(20);
      await eventuallyTold(metricsUrl, { ...BOTH, unmatched: 60, exits: 1 });
      expect(server.logs().filter(({ msg }) => String(msg).startsWith('listening on'))).toEqual([
        expect.objectContaining({
          pid: server.pid,
          msg: expect.stringContaining(`on port ${new URL(server.url).port} with 2 workers`),
        }),
      ]);
    });

    it('do not keep the server from ending in order, and both ports are closed then', async () => {
      server.signal('SIGTERM');
      expect(await server.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
      for (const url of [server.url, metricsUrl])
        await expect(scrape(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });
  });
}
