import { Client } from 'pg';
import { PASSWORD, randomEmail } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { PostgresServer } from '../support/postgres-server.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

jest.setTimeout(120_000);

/** Longer than a lease of the webhook's events, and than the grace of a session. */
const SKEW_MS = 55_000;
const clockAhead = (ms: number) =>
  `data:text/javascript,${encodeURIComponent(`
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) { given.length > 0 ? super(...given) : super(Real.now() + ${ms}); }
      static now() { return Real.now() + ${ms}; }
    };`)}`;
const AHEAD = ['--import', clockAhead(SKEW_MS)];
const ITEM = { title: 'Alien', type: 'movie' };

describe('two instances whose clocks differ by almost a minute', () => {
  let postgres: PostgresServer;
  let receiver: WebhookReceiver;
  let database: Client;
  let env: Record<string, string>;
  let servers: ServerProcess[];
  beforeAll(async () => {
    await build();
    receiver = await WebhookReceiver.start();
    postgres = await PostgresServer.create();
    env = {
      ...ROOMY,
      DATABASE_URL: await postgres.emptyDatabase(),
      JWT_EXPIRE_MINUTES: '1',
      AUDIT_WEBHOOK_URL: receiver.url,
      AUDIT_WEBHOOK_SECRET: 'a secret for tests of the webhook',
    };
    database = new Client({ connectionString: env['DATABASE_URL'] });
    await database.connect();
    servers = [await startServer({ env }), await startServer({ env, nodeOptions: AHEAD })];
  }, 150_000);
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
    await database.end();
    await postgres.remove();
    await receiver.close();
  });

  const [behind, ahead] = [() => servers[0]!.url, () => servers[1]!.url];
  const ORDERS = [
    ['the one that is behind', behind, ahead],
    ['the one that is ahead', ahead, behind],
  ] as const;

  it.each(ORDERS)('refresh a session for two tabs when %s is asked first', async (_which, one, other) => {
    const body = { email: randomEmail(), password: PASSWORD };
    await call(one(), { path: '/v1/auth/register', body });
    const signedIn = await call(one(), { path: '/v1/auth/login', body });
    const { refresh_token } = signedIn.body as { refresh_token: string };
    const answers = [];
    for (const url of [one(), other()]) {
      answers.push(await call(url, { path: '/v1/auth/refresh', body: { refresh_token } }));
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each(ORDERS)('accept each other’s access tokens when %s has issued them', async (_which, one, other) => {
    const { token } = await signUp(one());
    for (const url of [one(), other()])
      expect(await call(url, { path: '/v1/auth/me', token })).toMatchObject({ status: 200 });
  });

  /** Where the credential is used, and whether the database's time is before its end. */
  const ENDS = [
    ['is accepted before its end by the one that is ahead', ahead, '30 s', true],
    ['is refused after its end by the one that is behind', behind, '-30 s', false],
  ] as const;

  it.each(ENDS)('a personal token %s', async (_what, where, left, isAccepted) => {
    const { token } = await signUp(behind());
    const body = { name: 'script', scopes: ['items:read'], expires_in_days: 1 };
    const { body: made } = await call(behind(), { path: '/v1/auth/tokens', token, body });
    await database.query('UPDATE personal_tokens SET expires_at = now() + $1::interval WHERE id = $2', [
      left,
      made.id,
    ]);
    const used = await call(where(), { path: '/v1/watchlists', token: made.token });
    expect(used.status).toBe(isAccepted ? 200 : 401);
  });

  async function asAdmin(member: Member): Promise<Member> {
    await database.query(`UPDATE users SET role = 'admin' WHERE id = $1`, [member.id]);
    return member;
  }

  it.each(ENDS)('a password link %s', async (_what, where, left, isAccepted) => {
    const admin = await asAdmin(await signUp(behind()));
    const member = await signUp(behind());
    const { body: link } = await call(behind(), {
      method: 'POST',
      path: `/v1/admin/users/${member.id}/password-reset`,
      token: admin.token,
    });
    await database.query('UPDATE password_resets SET expires_at = now() + $1::interval WHERE user_id = $2', [
      left,
      member.id,
    ]);
    const body = { token: link.reset_url.split('#token=')[1], new_password: `new ${PASSWORD}` };
    const used = await call(where(), { path: '/v1/auth/password/reset', body });
    expect(used.status).toBe(isAccepted ? 204 : 401);
  });

  it('deliver an event once: the one that is ahead takes none that the other is delivering', async () => {
    const [first, second] = [await signUp(behind()), await signUp(ahead())];
    await eventually(() => {
      const actors = receiver.deliveries.map(({ event }) => event.actor_id);
      for (const { id } of [first, second]) expect(actors.filter((actor) => actor === id)).toHaveLength(2);
    });
    receiver.answer(({ actor_id }) => (actor_id === first.id ? 'hang' : 'ok'));
    const before = receiver.deliveries.length;
    const arrived = () => receiver.deliveries.slice(before).map(({ event }) => event.actor_id);
    await call(behind(), { path: '/v1/watchlists/items', token: first.token, body: ITEM });
    await eventually(() => expect(arrived()).toEqual([first.id]));
    await call(ahead(), { path: '/v1/watchlists/items', token: second.token, body: ITEM });
    await eventually(() => expect(arrived()).toContain(second.id));
    expect(arrived()).toEqual([first.id, second.id]);
    receiver.answer('ok');
  });

  it('date events alike', async () => {
    const rows = [];
    for (const url of [behind(), ahead(), behind()]) {
      const { id } = await signUp(url);
      const found = await database.query(
        'SELECT occurred_at FROM audit_logs WHERE actor_id = $1 ORDER BY id',
        [id],
      );
      rows.push(...found.rows.map(({ occurred_at }: { occurred_at: Date }) => occurred_at.getTime()));
    }
    expect(rows).toEqual([...rows].sort((one, other) => one - other));
  });

  it('delete only what has expired when one that is ahead starts', async () => {
    const [gone, kept] = [await signUp(behind()), await signUp(behind())];
    const end = (id: number, left: string) =>
      database.query('UPDATE sessions SET expires_at = now() + $1::interval WHERE user_id = $2', [left, id]);
    await end(gone.id, '-1 s');
    await end(kept.id, '50 s');
    const third = await startServer({ env, nodeOptions: AHEAD });
    try {
      const sessionsOf = async ({ id }: Member) =>
        (await database.query('SELECT id FROM sessions WHERE user_id = $1', [id])).rowCount;
      await eventually(async () => expect(await sessionsOf(gone)).toBe(0));
      expect(await sessionsOf(kept)).toBe(1);
    } finally {
      await third.remove();
    }
  });
});
