import { Metrics } from './metrics.js';

describe(Metrics.name, () => {
  let metrics: Metrics;
  beforeEach(() => {
    // Not what tells of the end of this process's own work.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    metrics = new Metrics();
  });
  afterEach(() => jest.useRealTimers());

  /** The lines of one family but its HELP and TYPE; undefined when there is no such family. */
  async function lines(name: string): Promise<string[] | undefined> {
    const all = (await metrics.text()).split('\n');
    if (!all.some((line) => line.startsWith(`# TYPE ${name} `))) return undefined;
    return all.filter((line) => line.startsWith(name));
  }
  const gauge = (read: () => number | Promise<number>, more: { fallback?: number; maxAgeMs?: number } = {}) =>
    metrics.gauge({ name: 'a', help: 'A.', read, ...more });

  it('tells of the process and its event loop, and nothing that is no number or called as something else', async () => {
    const text = await metrics.text();
    expect(text).toContain('# TYPE process_resident_memory_bytes gauge');
    expect(text).toContain('# TYPE nodejs_eventloop_lag_p99_seconds gauge');
    // Asked again before anything could be measured.
    expect(await metrics.text()).not.toMatch(/NaN|e\+\d+$|nodejs_active/m);
  });

  describe('counter', () => {
    it('is there from the beginning with every value that its label can have', async () => {
      metrics.counter({ name: 'a_total', help: 'A.', label: ['b', ['c', 'd']] });
      expect(await lines('a_total')).toEqual(['a_total{b="c"} 0', 'a_total{b="d"} 0']);
    });

    it('is one for all who ask for it', async () => {
      const options = { name: 'a_total', help: 'A.' };
      metrics.counter(options).inc();
      metrics.counter(options).inc();
      expect(await lines('a_total')).toEqual(['a_total 2']);
    });
  });

  describe('gauge', () => {
    it('is looked at when somebody asks', async () => {
      const values = [1, 2];
      gauge(() => values.shift()!);
      expect(values).toHaveLength(2);
      expect(await lines('a')).toEqual(['a 1']);
      expect(await lines('a')).toEqual(['a 2']);
    });

    it.each<[string, () => Promise<number>]>([
      ['fails', async () => Promise.reject(new Error('no'))],
      [
        'throws',
        () => {
          throw new Error('no');
        },
      ],
      ['does not come back', () => new Promise(() => undefined)],
    ])('has no value when its reading %s, or the one that is meant for this', async (_what, read) => {
      gauge(read);
      metrics.gauge({ name: 'b', help: 'B.', read, fallback: 0 });
      const text = metrics.text();
      await jest.advanceTimersByTimeAsync(1000);
      expect((await text).split('\n')).toEqual(expect.arrayContaining(['# TYPE a gauge', 'b 0']));
      expect(await text).not.toMatch(/^a /m);
    });

    it('loses a value that is not known any more, and has it again', async () => {
      let isKnown = true;
      gauge(async () => (isKnown ? 1 : Promise.reject(new Error('no'))));
      expect(await lines('a')).toEqual(['a 1']);
      isKnown = false;
      expect(await lines('a')).toEqual([]);
      isKnown = true;
      expect(await lines('a')).toEqual(['a 1']);
    });

    it('is never read twice at a time, however long that takes, and is read anew afterwards', async () => {
      let answer!: (value: number) => void;
      const read = jest.fn(() => new Promise<number>((resolve) => (answer = resolve)));
      gauge(read, { fallback: 0 });
      for (let n = 0; n < 3; n++) {
        const told = lines('a');
        await jest.advanceTimersByTimeAsync(1000);
        expect(await told).toEqual(['a 0']);
      }
      expect(read).toHaveBeenCalledTimes(1);
      answer(7);
      await jest.advanceTimersByTimeAsync(0);
      const told = lines('a');
      await jest.advanceTimersByTimeAsync(0);
      expect(read).toHaveBeenCalledTimes(2);
      answer(8);
      expect(await told).toEqual(['a 8']);
    });

    it('is kept for as long as it is good, and no longer', async () => {
      let value = 1;
      gauge(async () => value++, { maxAgeMs: 5000 });
      expect(await lines('a')).toEqual(['a 1']);
      await jest.advanceTimersByTimeAsync(4999);
      expect(await lines('a')).toEqual(['a 1']);
      await jest.advanceTimersByTimeAsync(1);
      expect(await lines('a')).toEqual(['a 2']);
    });
  });

  it('writes one text for all who ask meanwhile', async () => {
    const read = jest.fn(() => 1);
    gauge(read);
    const texts = await Promise.all(Array.from({ length: 10 }, () => metrics.text()));
    expect(new Set(texts).size).toBe(1);
    expect(read).toHaveBeenCalledTimes(1);
    await metrics.text();
    expect(read).toHaveBeenCalledTimes(2);
  });
});
