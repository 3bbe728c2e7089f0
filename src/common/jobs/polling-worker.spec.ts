import { eventually } from '../../../test/support/eventually.js';
import { gate } from '../../../test/support/gate.js';
import { PollingWorker } from './polling-worker.js';

/** Only `wake` starts a run. */
const NO_POLLING = { pollMs: 3_600_000 };

describe(PollingWorker.name, () => {
  const errors: unknown[] = [];
  let worker: PollingWorker;
  beforeEach(() => errors.splice(0));
  afterEach(() => worker.stop());
  const create = (processBatch: () => Promise<boolean>, options = NO_POLLING) =>
    (worker = new PollingWorker(processBatch, options, (error) => errors.push(error)));

  it('runs at the start and at each interval', async () => {
    let runs = 0;
    create(async () => ++runs < 0, { pollMs: 1 }).start();
    await eventually(() => expect(runs).toBeGreaterThan(3));
  });

  it('processes batches until no work is left', async () => {
    let due = 5;
    create(async () => --due > 0).wake();
    await eventually(() => expect(due).toBe(0));
  });

  it('never overlaps runs, and runs once more after wakes during a run', async () => {
    let [active, maxActive, runs] = [0, 0, 0];
    const { opened, open } = gate();
    create(async () => {
      runs++;
      maxActive = Math.max(maxActive, ++active);
      await opened;
      active--;
      return false;
    });
    for (let n = 0; n < 10; n++) worker.wake();
    open();
    await eventually(() => expect(runs).toBe(2));
    expect(maxActive).toBe(1);
  });

  it('misses no wake, however late it comes in a run', async () => {
    for (let ticks = 0; ticks < 12; ticks++) {
      let runs = 0;
      const wakeAfter = async (left: number): Promise<void> => {
        for (; left > 0; left--) await undefined;
        worker.wake();
      };
      create(async () => {
        if (++runs === 1) void wakeAfter(ticks);
        return false;
      }).wake();
      await eventually(() => expect([ticks, runs]).toEqual([ticks, 2]));
      await worker.stop();
    }
  });

  it('reports an error and runs again at the next wake', async () => {
    let runs = 0;
    create(async () => {
      if (++runs === 1) throw new Error('unavailable');
      return false;
    });
    worker.wake();
    await eventually(() => expect(errors).toEqual([new Error('unavailable')]));
    worker.wake();
    await eventually(() => expect(runs).toBe(2));
    expect(errors).toHaveLength(1);
  });

  it('finishes the current batch when it stops, and starts no other', async () => {
    const { opened, open } = gate();
    let runs = 0;
    let isDone = false;
    create(async () => {
      runs++;
      await opened;
      isDone = true;
      return true;
    }).wake();
    const stopped = worker.stop();
    expect(worker.isStopped).toBe(true);
    open();
    await stopped;
    expect(isDone).toBe(true);
    worker.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toBe(1);
  });
});
