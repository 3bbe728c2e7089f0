import { eventually } from '../support/eventually.js';
import { History, play, type Stage } from '../support/history.js';
import { RedisServer } from '../support/redis-server.js';
import { branch, oneOf, seeded } from '../support/seeded.js';
import { call, type Call, type Member, signUp } from '../support/server-client.js';
import { build } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { withTwoServers } from '../support/two-servers.js';

const USERS = 6;
/**
 * Besides the one who writes, for each user. Few reads for each write, and several pages: so that there is mostly one
 * that has to be computed just when a write comes.
 */
const READERS = 2;
const READS_PER_WRITE = [0, 3] as const;
/** Where the version is used or raised wrongly, or one flight serves two versions, 134 at most were needed to see it. */
const ENOUGH_WRITES = 200;
/** Of the reads, those that say what they have. */
const REVALIDATED = 0.25;

const ITEMS = '/v1/watchlists/items';
/** Ways to see the whole list; each is kept on its own. */
const PAGES = ['', '?limit=100', '?sort=created_at_asc', '?sort=title_asc&limit=50'] as const;
/** What fits on each of them. */
const MOST_ITEMS = 10;

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: the history of the cache is SKIPPED ***');

jest.setTimeout(240_000);
beforeAll(build, 120_000);

interface Item {
  readonly id: number;
  readonly title: string;
}

interface PlannedWrite {
  readonly request: Call;
  readonly status: number;
  /** The list when it is done; a new item has the id 0. */
  readonly after: readonly Item[];
}

const titlesOf = (items: readonly Item[]) => items.map(({ title }) => title);
const stateOf = (email: string, titles: readonly string[]) => `${email}: ${[...titles].sort().join(', ')}`;

/** Users who read and change their lists, each request on any of the servers. */
class Watchlists implements Stage {
  /** As the last write has left them, the oldest item first. */
  private readonly lists = new Map<string, readonly Item[]>();
  /** The last answer to each question, with its tag. */
  private readonly kept = new Map<string, { readonly etag: string; readonly state: string }>();
  private writes = 0;

  constructor(
    private readonly urls: readonly string[],
    private readonly members: readonly Member[],
  ) {
    for (const { email } of members) this.lists.set(email, []);
  }

  history(): History {
    return new History(Object.fromEntries(this.members.map(({ email }) => [email, stateOf(email, [])])));
  }

  nextWrite(email: string, random: () => number) {
    const { request, status, after } = this.plan(email, this.lists.get(email)!, random);
    return {
      state: stateOf(email, titlesOf(after)),
      write: async () => {
        const item = (await this.ask(email, request, [status], random)).body?.item as Item;
        this.lists.set(
          email,
          after.map((each) => (each.id === 0 ? item : each)),
        );
      },
    };
  }

  async read(email: string, random: () => number) {
    const path = `/v1/watchlists${oneOf(PAGES, random)}`;
    const question = `${email} ${path}`;
    const kept = random() < REVALIDATED ? this.kept.get(question) : undefined;
    const answer = await this.ask(email, { path, ifNoneMatch: kept?.etag }, [200, 304], random);
    if (answer.status === 304) return { state: kept!.state, outcome: 'NOT MODIFIED' };
    const { user, total, watchlist } = answer.body as { user: string; total: number; watchlist: Item[] };
    const counted = total === watchlist.length ? '' : ` of ${total}`;
    const state = stateOf(user, titlesOf(watchlist)) + counted;
    this.kept.set(question, { etag: answer.headers['etag']!, state });
    return { state, outcome: answer.headers['x-cache']! };
  }

  private plan(email: string, items: readonly Item[], random: () => number): PlannedWrite {
    // There is none like it: whatever is shown tells when it was written.
    const title = `#${++this.writes} of ${email}`;
    const [oldest, ...others] = items;
    const kinds = ['add', 'change', 'delete'] as const;
    const kind = others.length === 0 ? 'add' : items.length === MOST_ITEMS ? 'delete' : oneOf(kinds, random);
    if (kind === 'add')
      return {
        request: { path: ITEMS, body: { title, type: 'movie' } },
        status: 201,
        after: [...items, { id: 0, title }],
      };
    if (kind === 'change') {
      const { id } = oneOf(items, random);
      return {
        request: { method: 'PATCH', path: `${ITEMS}/${id}`, body: { title } },
        status: 200,
        after: items.map((item) => (item.id === id ? { id, title } : item)),
      };
    }
    // Without the oldest: what is left has not been the whole list before.
    return { request: { method: 'DELETE', path: `${ITEMS}/${oldest!.id}` }, status: 204, after: others };
  }

  private async ask(email: string, request: Call, expected: readonly number[], random: () => number) {
    const { token } = this.members.find((member) => member.email === email)!;
    const answer = await call(oneOf(this.urls, random), { ...request, token });
    if (!expected.includes(answer.status))
      throw new Error(
        `${request.method ?? ''} ${request.path}: ${answer.status} ${JSON.stringify(answer.body)}`,
      );
    return answer;
  }
}

(hasRedis ? describe : describe.skip)(
  'Two servers on one Redis and one PostgreSQL that is slow now and then',
  () => {
    let redis: RedisServer;
    beforeEach(async () => {
      redis = await RedisServer.create();
    });
    afterEach(() => redis.remove());

    const withWatchlists = (
      redisUrl: string,
      random: () => number,
      use: (lists: Watchlists) => Promise<void>,
      env: Record<string, string> = {},
    ) =>
      withTwoServers({ redisUrl, env, slowBy: branch(random) }, async (urls) => {
        const members = await Promise.all(Array.from({ length: USERS }, () => signUp(urls[0])));
        await use(new Watchlists(urls, members));
      });

    it('never show a list as it was before an acknowledged write, nor somebody else’s, and have much of it from the cache', () =>
      seeded((random) =>
        withWatchlists(redis.url, random, async (lists) => {
          const history = lists.history();
          const isOver = () => history.writes >= ENOUGH_WRITES;
          await play(history, lists, { readers: READERS, readsPerWrite: READS_PER_WRITE, isOver }, random);
          expect(history.violations).toEqual([]);
          expect(history.count('HIT') / history.reads).toBeGreaterThanOrEqual(0.2);
        }),
      ));

    it('never do either while Redis is cut off, killed and started again, and answer every request', () =>
      seeded(async (random) => {
        const proxy = await TcpProxy.to(redis.url);
        try {
          const throughFaults = async (lists: Watchlists) => {
            const history = lists.history();
            let isOver = false;

            const more = async (count: () => number, by: number) => {
              const enough = count() + by;
              await eventually(() => expect(isOver || count() >= enough).toBe(true));
            };
            const cached = () => more(() => history.count('HIT'), 30);
            const passedBy = async () => {
              await more(() => history.count('BYPASS'), 30);
              await more(() => history.writes, 8);
            };
            const faults = async () => {
              for (let round = 0; round < 2; round++) {
                await cached();
                // What it holds is there again afterwards, and older than what has been written meanwhile.
                await proxy.cut();
                await passedBy();
                await proxy.restore();
                await cached();
                await redis.kill();
                await passedBy();
                await redis.start();
              }
              await cached();
            };
            const playing = play(
              history,
              lists,
              { readers: READERS, readsPerWrite: READS_PER_WRITE, isOver: () => isOver },
              random,
            );
            const finish = () => {
              isOver = true;
            };
            await Promise.all([playing.finally(finish), faults().finally(finish)]);
            expect(history.violations).toEqual([]);
          };
          // Without memory, so that every hit comes from Redis.
          await withWatchlists(proxy.url, random, throughFaults, { CACHE_MEMORY_BYTES: '0' });
        } finally {
          await proxy.cut();
        }
      }));
  },
);
