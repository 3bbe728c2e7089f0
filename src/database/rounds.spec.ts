import { eventually } from '../../test/support/eventually.js';
import { gate } from '../../test/support/gate.js';
import { retryDelay, Rounds } from './rounds.js';

/** Nothing happens by itself: a test nudges. */
const BY_HAND = { pollMs: 3_600_000 };

describe(Rounds.name, () => {
  const errors: unknown[] = [];
  let work: Rounds;
  beforeEach(() => errors.splice(0));
  afterEach(() => work.stop());
  const make = (doSome: () => Promise<boolean>, options = BY_HAND) =>
    (work = new Rounds(doSome, options, (error) => errors.push(error)));

  it('looks when it starts, and again of itself', async () => {
    let rounds = 0;
    make(async () => ++rounds < 0, { pollMs: 1 }).start();
    await eventually(() => expect(rounds).toBeGreaterThan(3));
  });

  it('goes on until nothing more is due', async () => {
    let due = 5;
    make(async () => --due > 0).nudge();
    await eventually(() => expect(due).toBe(0));
  });

  it('does one thing at a time, and looks once more when it is nudged meanwhile', async () => {
    const under = { way: 0, most: 0, rounds: 0 };
    const { opened, open } = gate();
    make(async () => {
      under.rounds++;
      under.most = Math.max(under.most, ++under.way);
      await opened;
      under.way--;
      return false;
    });
    for (let n = 0; n < 10; n++) work.nudge();
    open();
    await eventually(() => expect(under.rounds).toBe(2));
    expect(under.most).toBe(1);
  });

  it.each(Array.from({ length: 12 }, (_, turns) => turns))(
    'misses no nudge, however late in a round it comes (%i turns)',
    async (turns) => {
      let rounds = 0;
      make(async () => {
        if (++rounds === 1) void nudgeIn(turns);
        return false;
      });
      const nudgeIn = async (left: number): Promise<void> => {
        for (; left > 0; left--) await undefined;
        work.nudge();
      };
      work.nudge();
      await eventually(() => expect(rounds).toBe(2));
    },
  );

  it('says what went wrong, and is there for the next nudge', async () => {
    let rounds = 0;
    make(async () => {
      if (++rounds === 1) throw new Error('away');
      return false;
    });
    work.nudge();
    await eventually(() => expect(errors).toEqual([new Error('away')]));
    work.nudge();
    await eventually(() => expect(rounds).toBe(2));
    expect(errors).toHaveLength(1);
  });

  it('waits at its end for what is on its way, and begins nothing more', async () => {
    const { opened, open } = gate();
    let rounds = 0;
    let isDone = false;
    make(async () => {
      rounds++;
      await opened;
      isDone = true;
      return true;
    });
    work.nudge();
    const end = work.stop();
    expect(work.isStopped).toBe(true);
    open();
    await end;
    expect(isDone).toBe(true);
    work.nudge();
    await new Promise((resolve) => setImmediate(resolve));
    expect(rounds).toBe(1);
  });
});

describe(retryDelay.name, () => {
  it('doubles with each failure, up to the longest', () => {
    const options = { firstRetryMs: 2000, longestRetryMs: 60_000 };
    expect([0, 1, 2, 5, 1000].map((attempts) => retryDelay(options, attempts))).toEqual([
      2000, 4000, 8000, 60_000, 60_000,
    ]);
  });
});
