import { AttemptLog, attemptRules } from './attempt-log.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 1440 * MINUTE;

const RULES = attemptRules({ limit: 5, windowSeconds: 900 });
const from = (place: string, { account = 'ada', isKnown = false } = {}) => ({ account, place, isKnown });

describe(AttemptLog.name, () => {
  let log: AttemptLog;
  beforeEach(() => {
    log = new AttemptLog();
  });

  const allowed = (attempt: ReturnType<typeof from>, now: number) => log.reserve(attempt, RULES, now).allowed;
  /** As many as may be made at that moment, each from a place of its own. */
  const attackFromElsewhere = (now: number, places = 100) =>
    Array.from({ length: places }, (_, n) => allowed(from(`elsewhere-${n}`), now)).filter(Boolean).length;

  it('lets five wrong ones pass at once, from one place', () => {
    const passed = Array.from({ length: 50 }, () => allowed(from('here'), 0)).filter(Boolean);
    expect(passed).toHaveLength(5);
  });

  it('then has the next wait, twice as long each time, up to the longest; who waits so long passes', () => {
    for (let n = 0; n < 5; n++) allowed(from('here'), 0);
    const waits = [];
    for (let now = 0, n = 0; n < 14; n++) {
      const { waitMs } = log.reserve(from('here'), RULES, now);
      expect(allowed(from('here'), now + waitMs - 1)).toBe(false);
      now += waitMs;
      expect(allowed(from('here'), now)).toBe(true);
      waits.push(waitMs / SECOND);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
  });

  it('does not have those wait longer who ask too early', () => {
    for (let n = 0; n < 5; n++) allowed(from('here'), 0);
    for (let now = 0; now < SECOND; now += 10) expect(allowed(from('here'), now)).toBe(false);
    expect(allowed(from('here'), SECOND)).toBe(true);
  });

  it('counts accounts and places apart', () => {
    for (let n = 0; n < 6; n++) allowed(from('here'), 0);
    expect(allowed(from('here'), 0)).toBe(false);
    expect(allowed(from('there'), 0)).toBe(true);
    expect(allowed(from('here', { account: 'ben' }), 0)).toBe(true);
  });

  it('lets twenty pass for one account from all places, then one when the wait is over', () => {
    expect(attackFromElsewhere(0)).toBe(20);
    const waits = [];
    for (let now = 0, n = 0; n < 8; n++) {
      const { waitMs } = log.reserve(from('one more'), RULES, now);
      now += waitMs;
      expect(attackFromElsewhere(now - 1)).toBe(0);
      expect(allowed(from(`patient-${n}`), now)).toBe(true);
      expect(attackFromElsewhere(now)).toBe(0);
      waits.push(waitMs / SECOND);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('does not hold against the owner, where they are known, what others do elsewhere', () => {
    attackFromElsewhere(0);
    expect(log.reserve(from('home'), RULES, 0)).toMatchObject({ allowed: false, onlyByAccount: true });
    expect(allowed(from('home', { isKnown: true }), 0)).toBe(true);
  });

  it('has the owner wait, where they are known, for what is done there', () => {
    const home = from('home', { isKnown: true });
    for (let n = 0; n < 5; n++) expect(allowed(home, 0)).toBe(true);
    expect(log.reserve(home, RULES, 0)).toMatchObject({ allowed: false, onlyByAccount: false });
  });

  it('keeps nobody out for longer than the longest wait, however many try all the time', () => {
    attackFromElsewhere(0);
    let passedAt: number | undefined;
    for (let now = 0; passedAt === undefined && now < DAY; now += SECOND) {
      // They are always a little earlier.
      attackFromElsewhere(now, 3);
      if (allowed(from('a new place'), now)) passedAt = now;
    }
    expect(passedAt).toBe(900 * SECOND);
  });

  it('bounds what many places can try: each one in the longest wait, and what one alone could', () => {
    const PLACES = 10;
    let passed = 0;
    for (let now = 0; now < DAY; now += 10 * SECOND) passed += attackFromElsewhere(now, PLACES);
    expect(passed).toBeLessThanOrEqual(20 + DAY / MINUTE + PLACES * (DAY / (900 * SECOND)));
  });

  it('knows nothing any more after one that was right', () => {
    for (let n = 0; n < 5; n++) allowed(from('here'), 0);
    attackFromElsewhere(0);
    log.clear(from('here'));
    expect(Array.from({ length: 10 }, () => allowed(from('here'), 0)).filter(Boolean)).toHaveLength(5);
  });

  it('leaves the counts of the other places as they are after one that was right', () => {
    for (let n = 0; n < 5; n++) allowed(from('there'), 0);
    log.clear(from('here'));
    expect(allowed(from('there'), 0)).toBe(false);
  });

  it('counts nothing for one that was given back: neither it nor its time', () => {
    for (let n = 0; n < 100; n++) {
      expect(allowed(from('here'), n)).toBe(true);
      log.giveBack(from('here'));
    }
    for (let n = 0; n < 5; n++) expect(allowed(from('here'), 1000)).toBe(true);
    expect(allowed(from('here'), 2000)).toBe(true);
    log.giveBack(from('here'));
    expect(allowed(from('here'), 2000)).toBe(true);
    log.giveBack(from('nowhere'));
  });

  it('forgets a day after the last wrong one, and not before', () => {
    for (let n = 0; n < 5; n++) allowed(from('here'), 0);
    // The sixth leaves a wait of two seconds.
    expect(allowed(from('here'), DAY - SECOND)).toBe(true);
    expect(allowed(from('here'), DAY)).toBe(false);
    const later = 2 * DAY - SECOND;
    expect(Array.from({ length: 10 }, () => allowed(from('here'), later)).filter(Boolean)).toHaveLength(5);
  });

  it('says of one refusal that it is the first, for a place and for an account', () => {
    const firsts = (attempts: ReturnType<typeof from>[]) =>
      attempts.filter((attempt) => log.reserve(attempt, RULES, 0).isFirstRefusal).length;
    expect(firsts(Array.from({ length: 20 }, () => from('here')))).toBe(1);
    expect(firsts(Array.from({ length: 100 }, (_, n) => from(`elsewhere-${n}`)))).toBe(1);
  });

  it('goes on from what another log has counted', () => {
    log.remember('ada:here', { wrong: 5, at: 0, source: 'another' });
    expect(allowed(from('here'), 999)).toBe(false);
    expect(log.copyOf('ada:here', 999)).toEqual({ wrong: 5, at: 0, source: 'another' });
    expect(allowed(from('here'), 1000)).toBe(true);
    // Its own from here on.
    expect(log.copyOf('ada:here', 1000)).toEqual({ wrong: 6, at: 1000, source: '' });
  });
});
