import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import newman, { type NewmanRunSummary } from 'newman';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { GithubStub } from './support/github-stub.js';
import { DEAD_MAIL_SERVER } from './support/mail-server.js';

const FOLDER = join(__dirname, '../postman');
const COLLECTION = join(FOLDER, 'watchlist-api.postman_collection.json');
const ENVIRONMENT = join(FOLDER, 'local.postman_environment.json');
const { values } = JSON.parse(readFileSync(ENVIRONMENT, 'utf8')) as {
  values: { key: string; value: string }[];
};
const valueOf = (name: string) => values.find(({ key }) => key === name)!.value;
const ADMIN_EMAIL = valueOf('adminEmail');
const ADMIN_PASSWORD = valueOf('adminPassword');

/** A run takes a second or two; one that comes after another waits until the login limit lets it in. */
jest.setTimeout(120_000);

interface Run {
  readonly failures: readonly string[];
  readonly skipped: readonly string[];
  /** Each request's last status: some are sent until they have what they came for. */
  readonly statuses: Readonly<Record<string, number>>;
}

async function runCollection({ url }: TestApp): Promise<Run> {
  const { run } = await new Promise<NewmanRunSummary>((resolve, reject) => {
    newman.run(
      { collection: COLLECTION, environment: ENVIRONMENT, envVar: [{ key: 'baseUrl', value: url }] },
      (error, summary) => (error ? reject(error) : resolve(summary)),
    );
  });
  return {
    failures: run.failures.map(({ source, error }) => `${source?.name}: ${error.test}: ${error.message}`),
    skipped: run.executions.flatMap(({ item, assertions = [] }) =>
      assertions.filter(({ skipped }) => skipped).map(() => item.name),
    ),
    statuses: Object.fromEntries(run.executions.map(({ item, response }) => [item.name, response?.code])),
  };
}

const PASSED: Run = {
  failures: [],
  skipped: [],
  statuses: {
    Health: 200,
    'Health live': 200,
    'Health ready': 200,
    Register: 201,
    Login: 200,
    Me: 200,
    'Add item': 201,
    List: 200,
    Update: 200,
    'Update with an old tag (412)': 412,
    Delete: 204,
    Refresh: 200,
    Sessions: 200,
    'Change password': 204,
    'Create token': 201,
    'List by token': 200,
    'Me by token (403)': 403,
    Tokens: 200,
    'Revoke token': 204,
    'Forgot password': 503,
    'Change e-mail': 200,
    'Admin stats as user (403)': 403,
    Logout: 204,
    'Me after logout (401)': 401,
    'Login with the new e-mail': 200,
    'Erase account': 204,
    'Admin login': 200,
    'Admin stats as admin': 200,
    Invite: 201,
    'Create password reset': 201,
    'Reset password': 204,
    'GitHub status': 200,
    'Health detailed': 200,
    'Register invalid (422)': 422,
    'Login rate limit (429)': 429,
  },
};

const ADMINS_REQUESTS = ['Admin stats as admin', 'Invite', 'Create password reset', 'Reset password'];

describe('the Postman collection, with its environment as it is', () => {
  let github: GithubStub;
  let server: TestApp | undefined;

  beforeEach(async () => {
    github = await GithubStub.start();
  });
  afterEach(async () => {
    await server?.close();
    await github.close();
  });

  /** With the limits that a server has when it is told nothing. */
  async function start(env: Record<string, string>): Promise<TestApp> {
    const limits = ['LOGIN', 'REGISTER', 'LIST', 'WRITE', 'DEFAULT', 'ADDRESS', 'ACCOUNT'].map((name) => [
      `RATE_LIMIT_${name}`,
      '',
    ]);
    server = await createTestApp({
      env: { ...Object.fromEntries(limits), GITHUB_API_URL: github.url, ...env },
    });
    return server;
  }

  it('passes on a server with the admin of its environment and the default limits', async () => {
    const run = await runCollection(await start({ ADMIN_EMAIL, ADMIN_PASSWORD }));
    expect(run).toEqual(PASSED);
  });

  it('passes again at once, waiting for the login limit that the run before has used up', async () => {
    await start({ ADMIN_EMAIL, ADMIN_PASSWORD, RATE_LIMIT_LOGIN: '5/8' });
    expect(await runCollection(server!)).toEqual(PASSED);
    expect(await runCollection(server!)).toEqual(PASSED);
  });

  it('passes where mail is sent', async () => {
    const env = { ADMIN_EMAIL, ADMIN_PASSWORD, ...DEAD_MAIL_SERVER };
    const statuses = { ...PASSED.statuses, 'Forgot password': 202 };
    expect(await runCollection(await start(env as Record<string, string>))).toEqual({ ...PASSED, statuses });
  });

  it('passes without an admin, whose requests are skipped, and with GitHub down', async () => {
    github.answer('server error');
    const others = Object.fromEntries(
      Object.entries(PASSED.statuses).filter(([name]) => !ADMINS_REQUESTS.includes(name)),
    );
    expect(await runCollection(await start({}))).toEqual({
      failures: [],
      skipped: ['Admin login'],
      statuses: { ...others, 'Admin login': 401, 'GitHub status': 502 },
    });
  });
});
