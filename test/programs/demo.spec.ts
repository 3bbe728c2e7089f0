import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ItemsService } from '../../src/watchlists/items/items.service.js';
import { type Actor, actingOn, asUser, PASSWORD, randomEmail, signIn } from '../support/actors.js';
import { createTestApp, type TestApp } from '../support/create-test-app.js';
import { runScript, type ScriptOptions, startScript } from '../support/run-script.js';
import type { Exit } from '../support/server-process.js';

const DEMO = 'demo/run.mjs';
const EMAIL = 'demo@example.com';
const TITLES = [
  ...readFileSync(join(__dirname, '../../demo/titles.mjs'), 'utf8').matchAll(
    /^ {2}(movie|show)\('(.+)'\),$/gm,
  ),
].map(([, type, title]) => ({ type: type as Item['type'], title: title! }));
const COUNT = 40;
/** What makes a terminal go back to the beginning of the line, and clear it. */
const ANEW = '\r\u001B[K';

interface Item {
  readonly id: number;
  readonly title: string;
  readonly type: 'movie' | 'show';
}

const runAgainst = ({ url }: TestApp, { env, ...options }: ScriptOptions = {}): Promise<Exit> =>
  runScript(DEMO, { env: { BASE_URL: url, ...env }, ...options });

/** An account of a test's own. */
const ofItsOwn = () => ({ DEMO_EMAIL: randomEmail('demo'), DEMO_PASSWORD: PASSWORD });

const listOf = async (member: Actor): Promise<Item[]> => {
  const { body } = await member.get('/v1/watchlists?limit=100&sort=created_at_asc').expect(200);
  return (body as { watchlist: Item[] }).watchlist;
};
const keys = (items: readonly Item[]) => items.map(({ title, type }) => `${type} ${title}`);

function expectOnceEach(items: readonly Item[]): void {
  expect(items).toHaveLength(COUNT);
  expect(new Set(keys(items)).size).toBe(COUNT);
}

/** Against a server that is none of ours. */
async function runAgainstOther(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ exit: Exit; asked: string[] }> {
  const asked: string[] = [];
  const other = createServer((request, response) => {
    asked.push(`${request.method} ${request.url!.split('?')[0]}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = other.address() as AddressInfo;
    return { exit: await runScript(DEMO, { env: { BASE_URL: `http://127.0.0.1:${port}` } }), asked };
  } finally {
    other.closeAllConnections();
    other.close();
  }
}

/** One that says what we want to hear, and then answers like this. */
function posing(answers: Record<string, (response: ServerResponse) => void>) {
  const all: typeof answers = {
    'GET /v1/health/detailed': json(200, { status: 'ok' }),
    'POST /v1/auth/register': json(201, {}),
    'POST /v1/auth/login': json(200, { access_token: 'a.b.c' }),
    'POST /v1/auth/logout': (response) => response.writeHead(204).end(),
    ...answers,
  };
  return runAgainstOther((request, response) => {
    response.setHeader('x-environment', 'development');
    all[`${request.method} ${request.url!.split('?')[0]}`]!(response);
  });
}

const json =
  (status: number, body: unknown, type = 'application/problem+json') =>
  (response: ServerResponse) =>
    response
      .writeHead(status, { 'content-type': type })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

const titleLines = ({ stdout }: Exit) => stdout.split('\n').filter((line) => /^ *\d+\/40 /.test(line));

describe('npm run demo', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());

  /** Runs something on another server. */
  async function on(env: Record<string, string>, action: (other: TestApp) => Promise<void>): Promise<void> {
    const other = await createTestApp({ env });
    try {
      await action(other);
    } finally {
      await other.close();
    }
  }

  const signedIn = async (testApp: TestApp, email: string, password = PASSWORD): Promise<Actor> =>
    actingOn(testApp, { id: 0, email, token: await signIn(testApp, email, password) });

  it('fills an account, shows how far it is, and says where to look', async () => {
    const exit = await runAgainst(server);
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toContain(`Registered as ${EMAIL} at ${server.url}.\n`);
    expect(exit.stdout).toContain(`\n  ${server.url}/dashboard\n`);
    const [, email, password] = /\n {2}E-mail {4}(\S+)\n {2}Password {2}(.+)\n/.exec(exit.stdout)!;
    expect(email).toBe(EMAIL);
    const member = await signedIn(server, email!, password);
    const list = await listOf(member);
    expectOnceEach(list);
    expect(titleLines(exit)).toEqual(
      list.map(({ title }, index) => `${String(index + 1).padStart(4)}/40  ${title}`),
    );
    // On the first page already.
    expect(new Set(list.slice(-10).map(({ type }) => type))).toEqual(new Set(['movie', 'show']));
    expect(list.filter(({ title }) => /[^\p{ASCII}]/u.test(title)).length).toBeGreaterThan(10);
    expect(exit.stdout).not.toContain('\r');

    // The demo's own session is over.
    const { body } = await member.get('/v1/auth/sessions').expect(200);
    expect((body as { sessions: object[] }).sessions).toHaveLength(1);
  });

  it('adds nothing when all is there, and otherwise only what is not', async () => {
    const env = ofItsOwn();
    const first = await runAgainst(server, { env });
    // What somebody chose is not shown.
    expect(first.stdout).not.toContain(PASSWORD);
    const member = await signedIn(server, env.DEMO_EMAIL);
    const list = await listOf(member);
    const again = await runAgainst(server, { env: { ...env, BASE_URL: `${server.url}/` } });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain(`Signed in as ${env.DEMO_EMAIL} at ${server.url}.\n`);
    expect(again.stdout).toContain('40 of 40 titles are there already.');
    expect(again.stdout).toContain(`\n  ${server.url}/dashboard\n`);
    expect(await listOf(member)).toEqual(list);

    for (const { id } of list.slice(-3)) await member.delete(`/v1/watchlists/items/${id}`).expect(204);
    // Of the other type it is something else.
    await member.post('/v1/watchlists/items', { title: 'Severance', type: 'movie' }).expect(201);
    const third = await runAgainst(server, { env });
    expect(third.stdout).toContain('37 of 40 titles are there already.');
    expect(titleLines(third)).toHaveLength(3);
    expect(keys(await listOf(member)).sort()).toEqual([...keys(list), 'movie Severance'].sort());
  });

  it('twice at the same time adds everything, and at worst something twice', async () => {
    const env = ofItsOwn();
    const exits = await Promise.all([runAgainst(server, { env }), runAgainst(server, { env })]);
    for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' });
    const list = keys(await listOf(await signedIn(server, env.DEMO_EMAIL)));
    expect(new Set(list).size).toBe(COUNT);
    expect(list.length).toBeLessThanOrEqual(2 * COUNT);
  });

  describe('over the limit', () => {
    let limited: TestApp;
    beforeAll(async () => {
      limited = await createTestApp({ env: { RATE_LIMIT_WRITE: '2/3' } });
    });
    afterAll(() => limited.close());

    /** All but the last titles are there: the fewer have to be added, the surer the limit is met. */
    async function nearlyFilled(testApp: TestApp, missing: number) {
      const env = ofItsOwn();
      const member = await asUser(testApp, env.DEMO_EMAIL);
      const watchlists = testApp.app.get(ItemsService, { strict: false });
      for (const item of TITLES.slice(0, -missing)) await watchlists.add(member.id, item, member);
      return { env, member };
    }

    it('waits as long as the server says, and says so in whole lines', async () => {
      const { env, member } = await nearlyFilled(limited, 3);
      const exit = await runAgainst(limited, { env });
      expect(exit).toMatchObject({ code: 0, stderr: '' });
      const [, ...told] = exit.stdout.split('\n').slice(0, 6);
      expect(told).toEqual([
        '37 of 40 titles are there already.',
        expect.stringMatching(/^ {2}38\/40 {2}./),
        expect.stringMatching(/^ {2}39\/40 {2}./),
        expect.stringMatching(/^Over the limit of 2 calls in 3 s: [123] s to wait$/),
        expect.stringMatching(/^( {2}40\/40 {2}.|Over the limit )/),
      ]);
      expect(exit.stdout).not.toContain('\r');
      expectOnceEach(await listOf(member));
    });

    it('counts down in one line on a terminal', async () => {
      const { env, member } = await nearlyFilled(limited, 3);
      const exit = await runAgainst(limited, { env, before: 'process.stdout.isTTY = true' });
      expect(exit.code).toBe(0);
      const counted = exit.stdout.split('\n').find((line) => line.includes('\r'))!;
      const [before, ...shown] = counted.split(ANEW);
      expect(before).toBe('');
      // In the place of the line that comes when the waiting is over.
      expect(shown.pop()).toMatch(/^ {2}40\/40 {2}./);
      for (const text of shown) expect(text).toMatch(/: [123] s to wait$|^$/);
      expect(shown.findLast(Boolean)).toMatch(/: 1 s to wait$/);
      expectOnceEach(await listOf(member));
    });

    it('goes on after it was killed, without adding anything twice', async () => {
      const { env, member } = await nearlyFilled(limited, 4);
      const script = await startScript(DEMO, { env: { BASE_URL: limited.url, ...env } });
      await script.written(/s to wait\n/);
      script.kill();
      expect(await script.exited).toMatchObject({ signal: 'SIGKILL' });
      const again = await runAgainst(limited, { env });
      expect(again.code).toBe(0);
      // Or the one that it was waiting with, if the machine took its time.
      expect(again.stdout).toMatch(/^3[89] of 40 titles are there already\.$/m);
      expectOnceEach(await listOf(member));
    });

    it('looks again at what is there when it has waited', async () => {
      const { env, member } = await nearlyFilled(limited, 4);
      const script = await startScript(DEMO, { env: { BASE_URL: limited.url, ...env } });
      await script.written(/s to wait\n/);
      const watchlists = limited.app.get(ItemsService, { strict: false });
      await watchlists.add(member.id, TITLES.at(-1)!, member);
      expect(await script.exited).toMatchObject({ code: 0 });
      expectOnceEach(await listOf(member));
    });

    it('does not wait for what takes too long, and says when to come back', () =>
      on({ RATE_LIMIT_WRITE: '2/3600' }, async (stingy) => {
        const { env } = await nearlyFilled(stingy, 3);
        const exit = await runAgainst(stingy, { env });
        expect(exit.code).toBe(1);
        expect(titleLines(exit)).toHaveLength(2);
        expect(exit.stderr).toMatch(
          / answers 429 RATE_LIMITED: .* Run this again in \d+ s: it goes on where it was\. \(request \S+\)\n$/,
        );
      }));
  });

  describe('refuses', () => {
    /** With a sentence, not a stack. */
    const refusal = (code: number, message: RegExp) => ({
      code,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^(?=.*${message.source}).*\n$`)) as string,
    });

    it('a server in production, and leaves it alone', () =>
      on({ NODE_ENV: 'production' }, async (production) => {
        expect(await runAgainst(production)).toMatchObject(
          refusal(2, /does not say that it is a server for developing/),
        );
        // The address is still free.
        const body = { email: EMAIL, password: 'popcorn-at-midnight' };
        await production.request().post('/v1/auth/register').send(body).expect(201);
      }));

    it.each([
      ['a page', 200, 'text/html', '<h1>Hello</h1>'],
      ['not found', 404, 'text/plain', 'no'],
    ])('something else that answers with %s', async (_what, status, type, body) => {
      const { exit, asked } = await runAgainstOther((_request, response) => {
        response.writeHead(status, { 'content-type': type }).end(body);
      });
      expect(exit).toMatchObject(refusal(2, /does not say that it is a server for developing/));
      expect(asked).toEqual(['GET /v1/health/detailed']);
    });

    it.each(['localhost:8000', 'http://', 'http://ada:x@localhost/'])(
      'an address such as %s',
      async (BASE_URL) => {
        const exit = await runScript(DEMO, { env: { BASE_URL } });
        expect(exit).toMatchObject(refusal(2, /BASE_URL must be a URL such as /));
      },
    );

    it('when nobody answers', async () => {
      const exit = await runScript(DEMO, { env: { BASE_URL: 'http://127.0.0.1:9' } });
      expect(exit).toMatchObject(
        refusal(1, /No answer from http:\/\/127\.0\.0\.1:9 \(.+\)\. Start the server \(npm start\)/),
      );
    });

    it('to be sent on to somebody else, with the password', async () => {
      const sentOn: string[] = [];
      const elsewhere = createServer((request, response) => {
        sentOn.push(`${request.method} ${request.url}`);
        response.end('{}');
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      const { port } = elsewhere.address() as AddressInfo;
      try {
        const { exit } = await posing({
          'POST /v1/auth/register': (response) =>
            response.writeHead(307, { location: `http://127.0.0.1:${port}/v1/auth/register` }).end(),
        });
        expect(sentOn).toEqual([]);
        expect(exit).toMatchObject(refusal(2, /redirects to http:\/\/127\.0\.0\.1:\d+.* Set BASE_URL to /));
      } finally {
        elsewhere.close();
      }
    });

    const problem = {
      status: 403,
      code: 'A\u009b2J',
      detail: 'no\u001b]0;owned\u0007\u001b[2J \u202eevil\nand more',
      request_id: 'r\u001b[1m',
    };

    it('to do with the terminal what a server says', async () => {
      const { exit } = await posing({ 'POST /v1/auth/register': json(403, problem) });
      expect(exit).toMatchObject(refusal(1, /answers 403 A.2J: no.]0;owned.*evil.and more \(request r/));
      expect(exit.stderr).not.toMatch(/(?!\n$)[\p{Cc}\p{Cf}]/u);
    });

    const item = { id: 1, title: 'Heat', type: 'movie' };

    it.each<[string, string, number, unknown]>([
      ['what is not JSON', 'POST /v1/auth/login', 200, '{'],
      ['nothing', 'POST /v1/auth/login', 200, ''],
      ['null', 'POST /v1/auth/login', 200, 'null'],
      ['a token of two lines', 'POST /v1/auth/login', 200, { access_token: 'a\r\nb: c' }],
      ['no list', 'GET /v1/watchlists', 200, { watchlist: null, total: 1 }],
      ['a list of nothing', 'GET /v1/watchlists', 200, { watchlist: [null], total: 1 }],
      ['other items', 'GET /v1/watchlists', 200, { watchlist: [{ ...item, title: 7 }], total: 1 }],
      [
        'more than there can be',
        'GET /v1/watchlists',
        200,
        { watchlist: [], total: 0, padding: 'x'.repeat(2 ** 20) },
      ],
      ['a status that is none', 'GET /v1/watchlists', 999, {}],
    ])('%s', async (_what, call, status, body) => {
      const { exit } = await posing({ [call]: json(status, body) });
      expect(exit).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^What answers.* is not the API: .*\n$/),
      });
    });

    it.each<[string, object]>([
      ['fields that are none', { errors: [null, { field: 7 }], request_id: { toString: 1 } }],
      ['one field', { errors: 'title' }],
    ])('a problem document with %s', async (_what, members) => {
      const { exit } = await posing({ 'POST /v1/auth/register': json(422, { ...problem, ...members }) });
      expect(exit).toMatchObject(refusal(1, /answers 403 A/));
    });

    it('a list that has no end', async () => {
      const list = { 'GET /v1/watchlists': json(200, { watchlist: [item], total: 1e15 }) };
      const { exit, asked } = await posing(list);
      expect(exit).toMatchObject({ code: 2, stderr: expect.stringContaining('has more than 10000 titles') });
      expect(asked.filter((call) => call === 'GET /v1/watchlists')).toHaveLength(100);
    });

    it('to look for what is behind an empty page', async () => {
      const { exit, asked } = await posing({
        'GET /v1/watchlists': json(200, { watchlist: [], total: 1e15 }),
        'POST /v1/watchlists/items': json(403, problem),
      });
      expect(exit.code).toBe(1);
      expect(asked.filter((call) => call === 'GET /v1/watchlists')).toHaveLength(1);
    });

    it('a password that the server does not take', async () => {
      const env = { DEMO_EMAIL: 'nobody', DEMO_PASSWORD: 'password1' };
      const exit = await runAgainst(server, { env });
      expect(exit).toMatchObject(refusal(2, /DEMO_EMAIL must be .*; DEMO_PASSWORD must not be /));
    });

    it('an account that has another password', async () => {
      const env = ofItsOwn();
      const body = { email: env.DEMO_EMAIL, password: 'nine lives of a paper cat' };
      await server.request().post('/v1/auth/register').send(body).expect(201);
      const exit = await runAgainst(server, { env });
      expect(exit).toMatchObject(refusal(1, /demo-\w+@example\.com is there already, with another password/));
    });

    it('where nobody can register, unless the account is there', () => {
      const admin = { ADMIN_EMAIL: 'admin@example.com', ADMIN_PASSWORD: PASSWORD };
      return on({ REGISTRATION: 'closed', ...admin }, async (closed) => {
        const exit = await runAgainst(closed);
        expect(exit).toMatchObject(refusal(1, /Nobody can register at .* \(REGISTRATION=closed\)/));
        const env = { DEMO_EMAIL: 'admin@example.com', DEMO_PASSWORD: PASSWORD };
        expect(await runAgainst(closed, { env })).toMatchObject({ code: 0, stderr: '' });
      });
    });
  });

  describe('counts down', () => {
    /** With seconds that pass at once. */
    const HASTE = 'globalThis.setTimeout = (callback) => setImmediate(callback)';

    it('in a line every ten seconds where lines stay', async () => {
      const module = pathToFileURL(join(__dirname, '../../demo/countdown.mjs')).href;
      const before = `${HASTE}; await (await import('${module}')).countdown(25, 'Wait'); process.exit()`;
      const { stdout, stderr } = await runScript(DEMO, { before });
      expect({ stdout, stderr }).toEqual({
        stdout: 'Wait: 25 s to wait\nWait: 15 s to wait\nWait: 5 s to wait\n',
        stderr: '',
      });
    });
  });
});
