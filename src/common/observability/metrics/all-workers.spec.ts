import { setImmediate as later } from 'node:timers/promises';
import { parseExposition, valueOf } from '../../../../test/support/exposition.js';
import { FakeWorker } from '../../../../test/support/fake-worker.js';
import { AllWorkers } from './all-workers.js';

describe(AllWorkers.name, () => {
  let all: AllWorkers;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    all = new AllWorkers(2);
  });
  afterEach(() => jest.useRealTimers());

  /** One that has counted some requests, and to which its dependency seems up or not. */
  function worker(requests: number, up = 1): FakeWorker {
    const fake = new FakeWorker(all);
    const { metrics } = fake;
    metrics.counter({ name: 'a_total', help: 'A.', label: ['b', ['c', 'd']] }).inc({ b: 'c' }, requests);
    const labels = ['route'] as const;
    const seconds = metrics.histogram({ name: 'a_seconds', help: 'A.', labels, buckets: [1, 5] });
    for (let n = 0; n < requests; n++) seconds.observe({ route: '/' }, 2);
    metrics.gauge({ name: 'up', help: 'A.', ofWorkers: 'min', read: () => up, otherwise: 0 });
    metrics.gauge({ name: 'waiting', help: 'A.', ofWorkers: 'sum', read: () => requests });
    metrics.gauge({ name: 'backlog', help: 'A.', ofWorkers: 'max', read: () => requests });
    return fake;
  }

  /** So much later all has been said that is going to be said until then. */
  async function passes(ms: number): Promise<void> {
    for (let n = 0; n < 20; n++) await later();
    await jest.advanceTimersByTimeAsync(ms);
  }

  async function told(by: FakeWorker) {
    const families = parseExposition(await by.text());
    return {
      counter: valueOf(families, 'a_total', { b: 'c' }),
      zero: valueOf(families, 'a_total', { b: 'd' }),
      count: valueOf(families, 'a_seconds_count', { route: '/' }),
      bucket: valueOf(families, 'a_seconds_bucket', { route: '/', le: '5' }),
      up: valueOf(families, 'up'),
      waiting: valueOf(families, 'waiting'),
      backlog: valueOf(families, 'backlog'),
      answering: valueOf(families, 'watchlist_workers_answering'),
      exits: valueOf(families, 'watchlist_worker_exits_total'),
    };
  }
  const BOTH = {
    counter: 5,
    zero: 0,
    count: 5,
    bucket: 5,
    up: 1,
    waiting: 5,
    backlog: 3,
    answering: 2,
    exits: 0,
  };

  it('tells the same of all, whichever worker is asked', async () => {
    const [one, other] = [worker(2), worker(3)];
    expect(await told(one)).toEqual(BOTH);
    expect(await told(other)).toEqual(BOTH);
    const texts = await Promise.all([one.text(), one.text(), other.text()]);
    expect(new Set(texts).size).toBe(1);
  });

  it('says what there should be, and of when the whole server is', async () => {
    const families = parseExposition(await worker(1).text());
    expect(valueOf(families, 'watchlist_workers_configured')).toBe(2);
    expect(valueOf(families, 'process_start_time_seconds')).toBeCloseTo(
      Date.now() / 1000 - process.uptime(),
      0,
    );
  });

  it('calls up only what is up for each of them', async () => {
    const one = worker(2);
    worker(3, 0);
    expect(await told(one)).toEqual({ ...BOTH, up: 0 });
  });

  it('lets no counter go back when a worker has ended and another one begins', async () => {
    const [one, other] = [worker(2), worker(3)];
    await one.text();
    other.end();
    const left = { ...BOTH, waiting: 2, backlog: 2, answering: 1, exits: 1 };
    expect(await told(one)).toEqual(left);
    const third = worker(10);
    expect(await told(one)).toMatchObject({ counter: 15, count: 15, bucket: 15, waiting: 12, answering: 2 });
    third.end();
    expect(await told(one)).toMatchObject({ counter: 15, count: 15, bucket: 15, waiting: 2, exits: 2 });
  });

  it('goes on without one that does not answer, its counters as they were last', async () => {
    const [one, other] = [worker(2), worker(3)];
    await one.text();
    other.isSilent = true;
    const silent = told(one);
    await passes(2000);
    expect(await silent).toEqual({ ...BOTH, waiting: 2, backlog: 2, answering: 1 });
    other.isSilent = false;
    expect(await told(one)).toEqual(BOTH);
  });

  it('does not wait for one that ends meanwhile', async () => {
    const [one, other] = [worker(2), worker(3)];
    await one.text();
    other.isSilent = true;
    const silent = told(one);
    await passes(100);
    other.end();
    expect(await silent).toMatchObject({ counter: 5, answering: 1, exits: 1 });
  });

  it('leaves nobody waiting who asks a worker whose primary does not answer', async () => {
    const one = worker(2);
    one.isSilent = true;
    const refused = one.text().catch((error: unknown) => error);
    await passes(3000);
    expect(await refused).toMatchObject({ status: 503, code: 'DEPENDENCY_DOWN' });
    one.isSilent = false;
    expect(await told(one)).toMatchObject({ counter: 2, answering: 1 });
  });
});
