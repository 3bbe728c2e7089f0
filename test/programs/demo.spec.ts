import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ItemsService } from '../../src/watchlists/items/items.service.js';
import { type Actor, actingOn, asUser, PASSWORD, randomEmail, signIn } from '../support/actors.js';
import { createTestApp, type TestApp } from '../support/create-test-app.js';
import { runScript, type ScriptOptions } from '../support/run-script.js';
import type { Exit } from '../support/server-process.js';

const DEMO = 'demo/run.mjs';
const EMAIL = 'demo@example.com';
const TITLES = [
  ...readFileSync(join(__dirname, '../../demo/titles.mjs'), 'utf8').matchAll(
    /^ {2}(movie|show)\('(.+?)', \{/gm,
  ),
].map(([, type, title]) => ({ type: type as Item['type'], title: title! }));
const COUNT = 40;

interface Item {
  readonly id: number;
  readonly title: string;
  readonly type: 'movie' | 'show';
}

const runAgainst = ({ url }: TestApp, { env }: ScriptOptions = {}): Promise<Exit> =>
  runScript(DEMO, { env: { BASE_URL: url, ...env } });

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

const titleLines = ({ stdout }: Exit) => stdout.split('\n').filter((line) => /^ *\d+\/40 /.test(line));

describe('npm run demo', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());

  const signedIn = async (email: string, password = PASSWORD): Promise<Actor> =>
    actingOn(server, { id: 0, email, token: await signIn(server, email, password) });

  it('fills an account, shows how far it is, and says where to look', async () => {
    const exit = await runAgainst(server);
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toContain(`Registered as ${EMAIL} at ${server.url}.\n`);
    expect(exit.stdout).toContain(`\n  ${server.url}/dashboard\n`);
    const [, email, password] = /\n {2}E-mail {4}(\S+)\n {2}Password {2}(.+)\n/.exec(exit.stdout)!;
    expect(email).toBe(EMAIL);
    const member = await signedIn(email!, password);
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
    const member = await signedIn(env.DEMO_EMAIL);
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

  it('waits over the limit as long as the server says, and says so in whole lines', async () => {
    const limited = await createTestApp({ env: { RATE_LIMIT_WRITE: '2/3' } });
    try {
      const env = ofItsOwn();
      const member = await asUser(limited, env.DEMO_EMAIL);
      // The fewer titles are missing, the surer it is that the demo meets the limit.
      const itemsService = limited.app.get(ItemsService, { strict: false });
      for (const item of TITLES.slice(0, -3)) await itemsService.add(member.id, item, member);
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
    } finally {
      await limited.close();
    }
  });

  it('refuses a server in production, and registers no account there', async () => {
    const production = await createTestApp({ env: { NODE_ENV: 'production' } });
    try {
      const exit = await runAgainst(production);
      expect(exit).toMatchObject({ code: 2, stdout: '' });
      expect(exit.stderr).toMatch(/^.*does not say that it is a server for developing.*\n$/);
      // The address is still free.
      const body = { email: EMAIL, password: 'popcorn-at-midnight' };
      await production.request().post('/v1/auth/register').send(body).expect(201);
    } finally {
      await production.close();
    }
  });
});
