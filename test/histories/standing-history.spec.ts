import { PASSWORD } from '../support/actors.js';
import { History, play, type Stage } from '../support/history.js';
import { branch, oneOf, seeded } from '../support/seeded.js';
import { call, type Member, signUp } from '../support/server-client.js';
import { build } from '../support/server-process.js';
import { emptyRedis } from '../support/stack.js';
import { withTwoServers } from '../support/two-servers.js';

const ADMIN = { ADMIN_EMAIL: 'first-admin@example.com', ADMIN_PASSWORD: PASSWORD };
const USERS = 3;

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: the history of roles is SKIPPED ***');

jest.setTimeout(240_000);
beforeAll(build, 120_000);

type Standing = 'user' | 'admin' | 'disabled';

/** How a user of that standing is answered who asks for what is an admin's. */
const SHOWN_BY: Record<number, Standing> = { 200: 'admin', 401: 'disabled', 403: 'user' };

/** Users whom the admin gives one standing after the other, and who find out by asking; each time on any of the servers. */
class Standings implements Stage {
  private readonly now = new Map<string, Standing>();
  private readonly tokens = new Map<string, string>();

  constructor(
    private readonly urls: readonly string[],
    private readonly adminToken: string,
    private readonly members: readonly Member[],
  ) {
    for (const { email, token } of members) {
      this.now.set(email, 'user');
      this.tokens.set(email, token);
    }
  }

  history(): History {
    return new History(Object.fromEntries(this.now));
  }

  nextWrite(email: string, random: () => number) {
    const others = (['user', 'admin', 'disabled'] as const).filter(
      (standing) => standing !== this.now.get(email),
    );
    const state = oneOf(others, random);
    this.now.set(email, state);
    return {
      state,
      write: async () => {
        const answer = await call(oneOf(this.urls, random), {
          method: 'PATCH',
          path: `/v1/admin/users/${this.memberOf(email).id}`,
          token: this.adminToken,
          body: state === 'disabled' ? { disabled: true } : { role: state, disabled: false },
        });
        if (answer.status !== 200) throw new Error(`a change was answered ${answer.status}`);
        // Being disabled has ended their session.
        if (state !== 'disabled') await this.signIn(email, random);
      },
    };
  }

  async read(email: string, random: () => number) {
    const { status } = await call(oneOf(this.urls, random), {
      path: '/v1/admin/stats',
      token: this.tokens.get(email),
    });
    return { state: SHOWN_BY[status] ?? `${status}`, outcome: '' };
  }

  private async signIn(email: string, random: () => number): Promise<void> {
    const credentials = { email, password: PASSWORD };
    const answer = await call(oneOf(this.urls, random), { path: '/v1/auth/login', body: credentials });
    if (answer.status !== 200) throw new Error(`a sign-in was answered ${answer.status}`);
    this.tokens.set(email, answer.body.access_token);
  }

  private memberOf(email: string): Member {
    return this.members.find((member) => member.email === email)!;
  }
}

(hasRedis ? describe : describe.skip)('On two servers, of which either may be asked', () => {
  it('a change of role, or being disabled or enabled again, counts for every request that begins after it', () =>
    seeded(async (random) => {
      const redisUrl = await emptyRedis();
      await withTwoServers({ redisUrl, env: ADMIN, slowBy: branch(random) }, async (urls) => {
        const { body } = await call(urls[0], {
          path: '/v1/auth/login',
          body: { email: ADMIN.ADMIN_EMAIL, password: PASSWORD },
        });
        const members = await Promise.all(Array.from({ length: USERS }, () => signUp(urls[0])));
        const standings = new Standings(urls, body.access_token, members);
        const history = standings.history();
        const isOver = () => history.writes >= 50;
        await play(history, standings, { readers: 2, readsPerWrite: [1, 4], isOver }, random);
        expect(history.violations).toEqual([]);
      });
    }));
});
