import fc from 'fast-check';
import { SlidingLog } from './sliding-log.js';

const rule = (limit: number, windowSeconds = 1) => ({ limit, windowSeconds });

describe(SlidingLog.name, () => {
  let log: SlidingLog;
  beforeEach(() => {
    log = new SlidingLog();
  });
  afterEach(() => log.close());

  describe('hit', () => {
    it('lets as many calls pass as the limit says, and tells how many are left', () => {
      const states = [10, 20, 30, 40].map((now) => log.hit('key', rule(3), now));
      expect(states.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
        [true, 2],
        [true, 1],
        [true, 0],
        [false, 0],
      ]);
    });

    it('tells when the oldest call leaves the window', () => {
      const states = [10, 20, 900, 1009].map((now) => log.hit('key', rule(2), now));
      expect(states.map(({ resetMs }) => resetMs)).toEqual([1000, 990, 110, 1]);
    });

    it('lets a call pass at the very moment at which the oldest leaves, and not before', () => {
      log.hit('key', rule(1), 10);
      expect(log.hit('key', rule(1), 1009.999).allowed).toBe(false);
      expect(log.hit('key', rule(1), 1010).allowed).toBe(true);
    });

    it('does not count what it refuses', () => {
      log.hit('key', rule(1), 0);
      for (let now = 1; now < 1000; now++) expect(log.hit('key', rule(1), now).allowed).toBe(false);
      expect(log.hit('key', rule(1), 1000)).toEqual({ allowed: true, remaining: 0, resetMs: 1000 });
    });

    it('does not let two quotas through at the edge of two windows', () => {
      const calls = [...Array(10).fill(990), ...Array(10).fill(1010)] as number[];
      expect(calls.filter((now) => log.hit('key', rule(10), now).allowed)).toHaveLength(10);
    });

    it('keeps the keys apart', () => {
      expect(log.hit('one', rule(1), 0).allowed).toBe(true);
      expect(log.hit('two', rule(1), 0).allowed).toBe(true);
      expect(log.hit('one', rule(1), 0).allowed).toBe(false);
    });

    it('counts a call from when it began, though it is decided later', () => {
      expect(log.hit('key', rule(1), 150, 100).allowed).toBe(true);
      expect(log.hit('key', rule(1), 1099, 1090)).toEqual({ allowed: false, remaining: 0, resetMs: 1 });
      expect(log.hit('key', rule(1), 1100, 1090).allowed).toBe(true);
    });

    it('does what the simplest of all limiters would do, whatever happens', () => {
      const steps = fc.array(
        fc.record({
          key: fc.constantFrom('one', 'two'),
          after: fc.integer({ min: 0, max: 400 }),
          peek: fc.boolean(),
        }),
        { maxLength: 300 },
      );
      fc.assert(
        fc.property(steps, fc.integer({ min: 1, max: 60 }), (calls, limit) => {
          const subject = new SlidingLog();
          const counted: Record<string, number[]> = { one: [], two: [] };
          let now = 0;
          for (const { key, after, peek } of calls) {
            now += after / 10;
            const inWindow = counted[key]!.filter((time) => time > now - 1000);
            const allowed = inWindow.length < limit;
            if (allowed && !peek) inWindow.push(now);
            counted[key] = inWindow;
            expect(subject[peek ? 'peek' : 'hit'](key, rule(limit), now)).toEqual({
              allowed,
              remaining: limit - inWindow.length,
              resetMs: inWindow.length === 0 ? 1000 : 1000 - (now - inWindow[0]!),
            });
          }
          subject.close();
        }),
      );
    });
  });

  describe('peek', () => {
    it('knows of a key that was never hit that all is left', () => {
      expect(log.peek('key', rule(5, 60), 0)).toEqual({ allowed: true, remaining: 5, resetMs: 60_000 });
    });

    it('says what a hit would, and counts nothing', () => {
      log.hit('key', rule(2), 0);
      for (let time = 0; time < 5; time++) {
        expect(log.peek('key', rule(2), 100)).toEqual({ allowed: true, remaining: 1, resetMs: 900 });
      }
      log.hit('key', rule(2), 100);
      expect(log.peek('key', rule(2), 100)).toEqual({ allowed: false, remaining: 0, resetMs: 900 });
    });
  });

  describe('its memory', () => {
    const MAXIMUM_KEYS = 100_000;
    const fill = (count: number, name: string, windowSeconds: number) => {
      for (let index = 0; index < count; index++) log.hit(`${name} ${index}`, rule(1, windowSeconds));
    };
    const isRemembered = (key: string) => !log.peek(key, rule(1, 3600)).allowed;

    it('is bounded: beyond a hundred thousand keys it forgets those that it has known longest', () => {
      fill(MAXIMUM_KEYS, 'known', 3600);
      expect(isRemembered('known 0')).toBe(true);
      fill(2, 'new', 3600);
      expect(['known 0', 'known 1', 'known 2', 'new 1'].map(isRemembered)).toEqual([
        false,
        false,
        true,
        true,
      ]);
    });

    describe('in time', () => {
      beforeEach(() => {
        log.close();
        jest.useFakeTimers();
        log = new SlidingLog();
      });
      afterEach(() => jest.useRealTimers());

      it('makes room of itself for keys whose calls have all left the window', () => {
        log.hit('still counted', rule(1, 3600));
        fill(MAXIMUM_KEYS - 1, 'brief', 1);
        jest.advanceTimersByTime(20_000);
        fill(MAXIMUM_KEYS - 1, 'new', 3600);
        expect(['still counted', 'new 0'].map(isRemembered)).toEqual([true, true]);
      });

      it('is left alone once it is closed', () => {
        expect(jest.getTimerCount()).toBe(1);
        log.close();
        expect(jest.getTimerCount()).toBe(0);
      });
    });
  });
});
