import { PASSWORD, randomEmail } from '../support/actors.js';
import { PostgresServer } from '../support/postgres-server.js';
import { call, ROOMY } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';

jest.setTimeout(120_000);

/** More than the time in which a refresh token can be used again. */
const SKEW_MS = 15_000;
const clockAhead = (ms: number) =>
  `data:text/javascript,${encodeURIComponent(`
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) { given.length > 0 ? super(...given) : super(Real.now() + ${ms}); }
      static now() { return Real.now() + ${ms}; }
    };`)}`;

describe('two instances whose clocks differ', () => {
  let postgres: PostgresServer;
  let servers: ServerProcess[];
  beforeAll(async () => {
    await build();
    postgres = await PostgresServer.create();
    const env = { ...ROOMY, DATABASE_URL: await postgres.emptyDatabase() };
    servers = [
      await startServer({ env }),
      await startServer({ env, nodeOptions: ['--import', clockAhead(SKEW_MS)] }),
    ];
  }, 150_000);
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
    await postgres.remove();
  });

  it.each([
    ['the one that is behind', 0],
    ['the one that is ahead', 1],
  ])('refresh a session for two tabs when %s is asked first', async (_which, first) => {
    const [one, other] = [servers[first]!.url, servers[1 - first]!.url];
    const body = { email: randomEmail(), password: PASSWORD };
    await call(one, { path: '/v1/auth/register', body });
    const signedIn = await call(one, { path: '/v1/auth/login', body });
    const { refresh_token } = signedIn.body as { refresh_token: string };
    const answers = [];
    for (const url of [one, other]) {
      answers.push(await call(url, { path: '/v1/auth/refresh', body: { refresh_token } }));
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});
