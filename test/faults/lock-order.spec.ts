import { Client } from 'pg';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, signIn } from '../support/actors.js';
import { createTestApp, type TestApp } from '../support/create-test-app.js';
import { eventually } from '../support/eventually.js';
import { between, branch, oneOf, seeded } from '../support/seeded.js';
import { createPostgres, type Storage } from '../support/stack.js';

jest.setTimeout(120_000);

const ITEMS = '/v1/watchlists/items';
const NEW_PASSWORD = `${PASSWORD}, a new one`;

describe('transactions that want the same rows on PostgreSQL', () => {
  let storage: Storage;
  let servers: TestApp[];
  let other: Client;
  let carol: Actor;
  beforeAll(async () => {
    storage = await createPostgres();
    servers = [await createTestApp({ storage }), await createTestApp({ storage })];
    other = new Client({ connectionString: storage.env['DATABASE_URL'] });
    await other.connect();
    carol = await asAdmin(servers[0]!);
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    await other.end();
    await storage.remove();
  });

  const createLink = async (creator: Actor, { id }: Actor) =>
    (await creator.post(`/v1/admin/users/${id}/password-reset`).expect(201)).body.reset_url as string;
  const resetBy = async (link: string): Promise<number> => {
    const body = { token: link.split('#token=')[1], new_password: NEW_PASSWORD };
    return (await servers[1]!.request().post('/v1/auth/password/reset').send(body)).status;
  };
  const countWaiting = async (): Promise<number> => {
    const { rows } = await other.query(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length;
  };

  const statusOf = async (answer: PromiseLike<{ status: number }>) => (await answer).status;
  const changePassword = (who: Actor) =>
    statusOf(who.post('/v1/auth/password', { current_password: PASSWORD, new_password: NEW_PASSWORD }));
  const changeEmail = (who: Actor) =>
    statusOf(who.patch('/v1/auth/me', { email: `new-${who.email}`, current_password: PASSWORD }));
  const erase = (who: Actor) => statusOf(who.delete('/v1/auth/me').send({ current_password: PASSWORD }));

  /** What the second of two admins does while the first one resets their password. */
  const SECONDS: [string, (ben: Actor, link: string) => Promise<number>][] = [
    ['resets theirs too', (_ben, link) => resetBy(link)],
    ['changes theirs', changePassword],
    ['changes their address', changeEmail],
    ['erases their account', erase],
  ];

  it.each(SECONDS)(
    'two admins have created links for each other: one resets a password, the other %s',
    async (_what, second) => {
      const [ada, ben] = [await asAdmin(servers[0]!), await asAdmin(servers[1]!)];
      const links = [await createLink(carol, ada), await createLink(carol, ben)] as const;
      await createLink(ben, ada);
      await createLink(ada, ben);
      await createLink(ben, ada);
      await createLink(carol, ada);
      // Holds the newest row up, so that the first transaction has rows that the second one wants.
      await other.query('BEGIN');
      await other.query(
        `SELECT id FROM password_resets WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1 FOR UPDATE`,
        [ada.id],
      );
      const firstDone = resetBy(links[0]);
      await eventually(async () => expect(await countWaiting()).toBe(1));
      let isOver = false;
      const secondDone = second(ben, links[1]).finally(() => (isOver = true));
      await eventually(async () => expect(isOver || (await countWaiting()) === 2).toBe(true));
      await other.query('ROLLBACK');
      for (const status of await Promise.all([firstDone, secondDone])) expect([200, 204]).toContain(status);
    },
  );

  it('never deadlock, whoever does what to whom', () =>
    seeded(async (random) => {
      for (let round = 0; round < 3; round++) {
        const people = [
          await asAdmin(servers[0]!),
          await asAdmin(servers[1]!),
          await asUser(servers[0]!),
          await asUser(servers[1]!),
        ];
        const ids = new Map<Actor, number[]>();
        for (const person of people) {
          const added = [1, 2, 3].map(() => person.post(ITEMS, { title: 'Alien', type: 'movie' }));
          ids.set(
            person,
            (await Promise.all(added)).map(({ body }) => body.item.id as number),
          );
        }
        const itemOf = (who: Actor) => oneOf(ids.get(who)!, random);
        const acts: ((who: Actor, whom: Actor) => PromiseLike<number>)[] = [
          changePassword,
          changeEmail,
          erase,
          async (who, { id }) => {
            const { status, body } = await who.post(`/v1/admin/users/${id}/password-reset`);
            return status === 201 && random() < 0.5 ? resetBy(body.reset_url as string) : status;
          },
          (_who, { id }) => statusOf(carol.patch(`/v1/admin/users/${id}`, { disabled: random() < 0.3 })),
          (who, { id }) =>
            statusOf(who.patch(`/v1/admin/users/${id}`, { role: oneOf(['admin', 'user'], random) })),
          (who) => statusOf(who.post(ITEMS, { title: 'Brazil', type: 'movie' })),
          (who) => statusOf(who.patch(`${ITEMS}/${itemOf(who)}`, { title: `Title ${random()}` })),
          (_who, whom) =>
            statusOf(carol.patch(`/v1/admin/watchlists/items/${itemOf(whom)}`, { type: 'show' })),
          (_who, whom) => statusOf(carol.delete(`/v1/admin/watchlists/items/${itemOf(whom)}`)),
          (who) => statusOf(who.delete('/v1/auth/sessions')),
        ];
        const statuses: number[] = [];
        const workers = Array.from({ length: 12 }, async (_, index) => {
          const own = branch(random);
          for (let time = 0; time < 20; time++) {
            const who = oneOf(people, own);
            const server = servers[index % servers.length]!;
            const token = time % 5 === 0 ? await signIn(server, who.email).catch(() => who.token) : who.token;
            const whom = people[between(0, people.length - 1, own)]!;
            const actor = actingOn(server, { ...who, token });
            ids.set(actor, ids.get(who)!);
            statuses.push(await oneOf(acts, own)(actor, whom));
          }
        });
        await Promise.all(workers);
        expect(statuses.filter((status) => status >= 500)).toEqual([]);
      }
      const { rows } = await other.query(
        'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
      );
      expect(rows).toEqual([{ deadlocks: '0' }]);
    }));
});
