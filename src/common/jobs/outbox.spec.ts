import { once } from 'node:events';
import { eventually } from '../../../test/support/eventually.js';
import { gate } from '../../../test/support/gate.js';
import { backOffMs, Outbox, type OutboxHandler, type OutboxOptions, type OutboxStore } from './outbox.js';

interface Row {
  readonly id: number;
  dueAt: number | null;
}

class MemoryStore implements OutboxStore<Row> {
  readonly rows: Row[];

  constructor(count: number) {
    this.rows = Array.from({ length: count }, (_, id) => ({ id, dueAt: 0 }));
  }

  get done(): number[] {
    return this.rows.filter(({ dueAt }) => dueAt === null).map(({ id }) => id);
  }

  async claim(leaseMs: number): Promise<Row | null> {
    const row = this.rows.find(({ dueAt }) => dueAt !== null && dueAt <= Date.now());
    if (row !== undefined) row.dueAt = Date.now() + leaseMs;
    return row ?? null;
  }

  async markDone(row: Row): Promise<void> {
    row.dueAt = null;
  }

  async reschedule(row: Row, delayMs: number): Promise<void> {
    row.dueAt = Date.now() + delayMs;
  }
}

const HOUR_MS = 3_600_000;
const OPTIONS: OutboxOptions = {
  pollMs: HOUR_MS,
  leaseMs: HOUR_MS,
  concurrency: 1,
  shutdownGraceMs: HOUR_MS,
};

describe(Outbox.name, () => {
  let outbox: Outbox<Row>;
  const errors: unknown[] = [];
  const failures: unknown[] = [];
  beforeEach(() => {
    errors.length = 0;
    failures.length = 0;
  });
  afterEach(() => outbox.stop());

  function start(
    store: MemoryStore,
    handle: OutboxHandler<Row>['handle'],
    options: Partial<OutboxOptions> = {},
  ): void {
    const handler: OutboxHandler<Row> = {
      handle,
      retryDelayMs: () => 2 * HOUR_MS,
      onFailure: ({ id }, error) => failures.push([id, error]),
      onError: (error) => errors.push(error),
    };
    outbox = new Outbox(store, handler, { ...OPTIONS, ...options });
    outbox.start();
  }

  it('handles each due row once, in order', async () => {
    const store = new MemoryStore(45);
    const handled: number[] = [];
    start(store, async ({ id }) => void handled.push(id));
    await eventually(() => expect(store.done).toHaveLength(45));
    expect(handled).toEqual(store.done);
  });

  it('handles as many rows at the same time as `concurrency` allows', async () => {
    const store = new MemoryStore(20);
    const { opened, open } = gate();
    let [active, maxActive] = [0, 0];
    const handle = async () => {
      maxActive = Math.max(maxActive, ++active);
      await opened;
      active--;
    };
    start(store, handle, { concurrency: 4 });
    await eventually(() => expect(active).toBe(4));
    open();
    await eventually(() => expect(store.done).toHaveLength(20));
    expect(maxActive).toBe(4);
  });

  it('reschedules a row that fails, and goes on with the next', async () => {
    const store = new MemoryStore(2);
    const earliest = Date.now() + 2 * HOUR_MS;
    start(store, async ({ id }) => {
      if (id === 0) throw new Error('refused');
    });
    await eventually(() => expect(store.done).toEqual([1]));
    expect(failures).toEqual([[0, new Error('refused')]]);
    expect(store.rows[0]!.dueAt).toBeGreaterThanOrEqual(earliest);
  });

  it('aborts a row that outlasts the grace period of a shutdown, and leaves it due', async () => {
    const store = new MemoryStore(2);
    let isHandling = false;
    start(
      store,
      async (_row, signal) => {
        isHandling = true;
        await once(signal, 'abort');
        throw new Error('aborted');
      },
      { shutdownGraceMs: 1 },
    );
    await eventually(() => expect(isHandling).toBe(true));
    await outbox.stop();
    expect(failures).toHaveLength(1);
    expect(await store.claim(HOUR_MS)).toBe(store.rows[0]);
  });

  it('reports a store that fails, and handles the row at a later wake', async () => {
    const store = new MemoryStore(1);
    jest.spyOn(store, 'claim').mockRejectedValueOnce(new Error('unavailable'));
    start(store, async () => undefined);
    await eventually(() => expect(errors).toEqual([new Error('unavailable')]));
    jest.spyOn(store, 'markDone').mockRejectedValueOnce(new Error('unavailable'));
    outbox.wake();
    await eventually(() => expect(errors).toHaveLength(2));
    // The lease has ended.
    store.rows[0]!.dueAt = 0;
    outbox.wake();
    await eventually(() => expect(store.done).toEqual([0]));
    expect(failures).toEqual([]);
  });
});

describe(backOffMs.name, () => {
  it('doubles with each failed attempt, up to the longest delay', () => {
    const options = { firstRetryMs: 2000, longestRetryMs: 60_000 };
    expect([0, 1, 2, 5, 1000].map((attempts) => backOffMs(options, attempts))).toEqual([
      2000, 4000, 8000, 60_000, 60_000,
    ]);
  });
});
