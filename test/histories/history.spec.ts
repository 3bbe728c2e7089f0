import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { History, play, type Stage, type Violation } from '../support/history.js';
import {
  advance,
  Lists,
  PAGES,
  type Protocol,
  PROTOCOLS,
  type Shown,
  stageOf,
  stateOf,
} from '../support/history-protocols.js';
import { seeded } from '../support/seeded.js';
import { SlowPostgres } from '../support/slow-postgres.js';
import { createPostgres, emptyRedis, type Storage } from '../support/stack.js';

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: whether the checker finds broken protocols is SKIPPED ***');

const kindsOf = ({ violations }: History) => violations.map(({ kind }) => kind);

describe(History.name, () => {
  let history: History;
  beforeEach(() => {
    history = new History({ ada: 'a0', ben: 'b0' });
  });

  const write = (state: string) => history.beginWrite('ada', state)();
  const read = (state: string) => history.beginRead('ada')(state, 'HIT');

  it('has nothing against reads that show the last acknowledged state', () => {
    read('a0');
    write('a1');
    read('a1');
    write('a2');
    read('a2');
    expect(history.violations).toEqual([]);
  });

  it('lets a read show a write that is not acknowledged yet, or the state before it', () => {
    const acknowledge = history.beginWrite('ada', 'a1');
    read('a0');
    read('a1');
    acknowledge();
    expect(history.violations).toEqual([]);
  });

  it('lets a read show any state that there has been while it was under way', () => {
    const ends = Array.from({ length: 4 }, () => history.beginRead('ada'));
    write('a1');
    write('a2');
    history.beginWrite('ada', 'a3');
    for (const [number, end] of ends.entries()) end(`a${number}`, 'MISS');
    expect(history.violations).toEqual([]);
  });

  it('finds a read that shows less than was acknowledged before it began', () => {
    write('a1');
    write('a2');
    read('a1');
    expect(history.violations).toEqual([
      {
        kind: 'stale',
        description:
          'stale: ada was shown state 1, "a1" (HIT), by a read that began when 2 was acknowledged and 0 had been ' +
          'shown, and ended when 2 had begun',
      },
    ]);
  });

  it('finds it too when the read lasted longer than the next write', () => {
    write('a1');
    const end = history.beginRead('ada');
    write('a2');
    end('a0', 'MISS');
    expect(kindsOf(history)).toEqual(['stale']);
  });

  it('finds a read that shows less than another one did before it began, though nothing is acknowledged', () => {
    history.beginWrite('ada', 'a1');
    read('a1');
    read('a0');
    expect(kindsOf(history)).toEqual(['backwards']);
  });

  it('has nothing against two reads at once of which the earlier one shows more', () => {
    history.beginWrite('ada', 'a1');
    const slow = history.beginRead('ada');
    read('a1');
    slow('a0', 'MISS');
    expect(history.violations).toEqual([]);
  });

  it('finds what belongs to somebody else, be it of now or of long ago', () => {
    history.beginWrite('ben', 'b1')();
    read('b0');
    read('b1');
    expect(kindsOf(history)).toEqual(['foreign', 'foreign']);
  });

  it('finds what nobody has written, or not yet when the read ended', () => {
    read('nothing');
    read('a1');
    write('a1');
    expect(kindsOf(history)).toEqual(['unwritten', 'unwritten']);
  });

  it('lets a state come again, and finds an old one where it cannot be the new one', () => {
    write('on');
    write('off');
    read('off');
    write('on');
    read('on');
    read('off');
    expect(kindsOf(history)).toEqual(['stale']);
  });

  it('takes of several states that look the same the earliest for the one that was shown', () => {
    const acknowledge = history.beginWrite('ada', 'off');
    read('off');
    acknowledge();
    const early = history.beginRead('ada');
    write('on');
    history.beginWrite('ada', 'off');
    read('on');
    early('off', 'HIT');
    read('on');
    expect(history.violations).toEqual([]);
  });

  it('refuses a writer who does not wait', () => {
    history.beginWrite('ada', 'a1');
    expect(() => history.beginWrite('ada', 'a2')).toThrow('ada has a second writer');
  });

  it('counts', () => {
    write('a1');
    read('a1');
    history.beginRead('ada')('a1', 'MISS');
    expect([history.writes, history.reads, history.count('HIT'), history.count('BYPASS')]).toEqual([
      1, 2, 1, 0,
    ]);
  });
});

describe(play.name, () => {
  const load = { readers: 2, readsPerWrite: [1, 3], isOver: () => false } as const;

  it('ends, when a request fails, with its error', async () => {
    const stage: Stage = {
      nextWrite: () => ({ state: 'a1', write: () => Promise.reject(new Error('the disk is on fire')) }),
      read: async () => ({ state: 'a0', outcome: 'HIT' }),
    };
    await seeded((random) =>
      expect(play(new History({ ada: 'a0' }), stage, load, random)).rejects.toThrow('the disk is on fire'),
    );
  });

  it('ends at the first violation', async () => {
    const history = new History({ ada: 'a0' });
    const stage: Stage = {
      nextWrite: () => ({ state: 'a1', write: () => Promise.resolve() }),
      read: async () => ({ state: 'a0', outcome: 'HIT' }),
    };
    await seeded((random) => play(history, stage, load, random));
    expect(kindsOf(history)).toContain('stale');
  });
});

/** Not one of them is seen by a test that asks one thing after the other. */
(hasRedis ? describe : describe.skip)('In caches, the checker finds', () => {
  const NAMES = ['ada', 'ben'];
  const INITIAL = Object.fromEntries(NAMES.map((name) => [name, stateOf(name, 0)]));
  /** Far more than it takes: of 200 runs the longest had 156. */
  const ENOUGH_WRITES = 3000;

  let storage: Storage;
  let redis: Redis;
  beforeAll(async () => {
    storage = await createPostgres();
    redis = new Redis(await emptyRedis());
  });
  afterAll(async () => {
    redis.disconnect();
    await storage.remove();
  });

  async function withLists(databaseUrl: string, use: (lists: Lists) => Promise<void>): Promise<void> {
    const pool = new Pool({ connectionString: databaseUrl });
    try {
      const lists = new Lists(pool, redis);
      await lists.create(INITIAL);
      await use(lists);
    } finally {
      await pool.end();
    }
  }

  /** A write by ada and reads of hers, in an order that the test lays down. */
  class Scene {
    readonly history = new History(INITIAL);

    constructor(
      private readonly protocol: Protocol,
      private readonly lists: Lists,
    ) {}

    beginWrite() {
      const state = stateOf('ada', this.history.writes + 1);
      const acknowledge = this.history.beginWrite('ada', state);
      const operation = this.protocol.write(this.lists, 'ada', state);
      return {
        until: (step: Parameters<typeof advance>[1]) => advance(operation, step),
        end: async () => {
          await advance(operation);
          acknowledge();
        },
      };
    }

    beginRead(page: string) {
      const ended = this.history.beginRead('ada');
      const operation = this.protocol.read(this.lists, 'ada', page);
      return {
        until: (step: Parameters<typeof advance>[1]) => advance<Shown>(operation, step),
        end: async () => {
          const { state, outcome } = (await advance<Shown>(operation))!;
          ended(state, outcome);
        },
      };
    }

    write = () => this.beginWrite().end();
    read = (page: string) => this.beginRead(page).end();
  }

  const [FIRST, SECOND] = PAGES;

  /** What goes wrong, and with which protocols; with the sound one it does not. */
  const SCENES: readonly {
    what: string;
    happens: (scene: Scene) => Promise<void>;
    to: Partial<Record<keyof typeof PROTOCOLS, Violation['kind']>>;
  }[] = [
    {
      what: 'a read that began before a write files what it has found when the write is over',
      happens: async (scene) => {
        const slow = scene.beginRead(FIRST);
        await slow.until('data read');
        await scene.write();
        await slow.end();
        await scene.read(FIRST);
      },
      to: { 'that reads the version after the data': 'stale' },
    },
    {
      what: 'one page is new and the other still old between the two halves of a write',
      happens: async (scene) => {
        await scene.read(SECOND);
        const write = scene.beginWrite();
        await write.until('data committed');
        await scene.read(FIRST);
        await scene.read(SECOND);
        await write.end();
      },
      to: { 'that raises the version when the data is committed': 'backwards' },
    },
  ];

  describe.each(SCENES)('when $what', ({ happens, to }) => {
    const names = Object.keys(PROTOCOLS) as (keyof typeof PROTOCOLS)[];
    it.each(names.map((name) => [name, to[name] ?? 'nothing'] as const))('in one %s: %s', (name, found) =>
      withLists(storage.env['DATABASE_URL']!, async (lists) => {
        const scene = new Scene(PROTOCOLS[name], lists);
        await happens(scene);
        expect(kindsOf(scene.history)).toEqual(found === 'nothing' ? [] : [found]);
      }),
    );
  });

  describe('when several read and write at once and the database is slow now and then', () => {
    const playOn = (protocol: Protocol, enoughWrites: number) => {
      const history = new History(INITIAL);
      return seeded(async (random) => {
        const slow = await SlowPostgres.before(storage.env['DATABASE_URL']!, random);
        try {
          await withLists(slow.url, (lists) =>
            play(
              history,
              stageOf(protocol, lists),
              { readers: 3, readsPerWrite: [1, 6], isOver: () => history.writes >= enoughWrites },
              random,
            ),
          );
        } finally {
          await slow.close();
        }
      }).then(() => history);
    };
    const { 'as it should be': sound, ...broken } = PROTOCOLS;

    it.each(Object.entries(broken))(
      'in one %s: a violation',
      async (_name, protocol) => {
        const history = await playOn(protocol, ENOUGH_WRITES);
        expect(['stale', 'backwards']).toContain(history.violations[0]?.kind);
      },
      300_000,
    );

    it('in one as it should be: nothing', async () => {
      const history = await playOn(sound, 100);
      expect(history.violations).toEqual([]);
      expect(history.count('HIT')).toBeGreaterThan(0);
    });
  });
});
