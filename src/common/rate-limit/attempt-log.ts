import type { RateLimit } from '../../config/env.js';
import { lruCache } from '../lru-cache.js';

/** So many wrong ones are free; each further one doubles the wait for the next. */
export interface AttemptRule {
  readonly free: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

/** `pair`: one account from one place. `account`: from all places together, so that many do not add up to many tries. */
export interface AttemptRules {
  readonly pair: AttemptRule;
  readonly account: AttemptRule;
}

const FIRST_WAIT_MS = 1000;
const ACCOUNT_FREE_FACTOR = 4;
const ACCOUNT_LONGEST_MS = 60_000;

export function attemptRules({ limit, windowSeconds }: RateLimit): AttemptRules {
  const longestMs = windowSeconds * 1000;
  return {
    pair: { free: limit, firstMs: FIRST_WAIT_MS, longestMs },
    account: {
      free: limit * ACCOUNT_FREE_FACTOR,
      firstMs: FIRST_WAIT_MS,
      longestMs: Math.min(longestMs, ACCOUNT_LONGEST_MS),
    },
  };
}

/** Whose secret is tried, and from where: one word each, that tell nothing to whoever reads them. */
export interface Attempt {
  readonly account: string;
  readonly place: string;
  /** The owner has been there: what others do elsewhere is not held against this place. */
  readonly isKnown: boolean;
}

export interface AttemptVerdict {
  readonly allowed: boolean;
  /** Milliseconds until it would be; 0 when it is. */
  readonly waitMs: number;
  /** Refused for what happens at all places; from one where the owner is known it would pass. */
  readonly onlyByAccount: boolean;
  /** The first refusal since the count began. */
  readonly isFirstRefusal: boolean;
}

/** What is counted for one key. Times in ms of `performance.now()`. */
interface Count {
  wrong: number;
  at: number;
  /** What `at` was before the last one, for when that is given back. */
  before: number;
  /** A place that is refused for what happens elsewhere: since when it has been waiting. */
  waitingSince: number | null;
  hasRefused: boolean;
  /** Where else this is counted, and under which name; empty when only here. */
  source: string;
}

/** What is kept of a count that is also kept elsewhere. */
export interface CountCopy {
  readonly wrong: number;
  readonly at: number;
  readonly source: string;
}

/** After so long without a wrong one, nothing is known any more. */
export const ATTEMPTS_KEPT_MS = 86_400_000;
/** Bounds the memory; beyond it what has not been tried for the longest time is forgotten first. */
const MAXIMUM_KEYS = 50_000;

export const pairKey = ({ account, place }: Pick<Attempt, 'account' | 'place'>) => `${account}:${place}`;

function waitOf({ wrong, at }: Count, { free, firstMs, longestMs }: AttemptRule, now: number): number {
  return wrong < free ? 0 : Math.max(0, at + Math.min(firstMs * 2 ** (wrong - free), longestMs) - now);
}

/**
 * Wrong tries of a secret, per account and place and per account. An attempt is counted as wrong before it is made, so
 * that many at once do not all pass before the first has failed; one that was right clears both counts.
 *
 * However many try an account from elsewhere, nobody is kept out for longer than a pair's longest wait: who has been
 * refused for the account's count alone for so long passes.
 */
export class AttemptLog {
  private readonly counts = lruCache<string, Count>(MAXIMUM_KEYS);

  /** Counts the attempt as wrong if it may be made. */
  reserve(attempt: Attempt, rules: AttemptRules, now = performance.now()): AttemptVerdict {
    const pair = this.load(pairKey(attempt), now);
    const account = this.load(attempt.account, now);
    const pairWait = waitOf(pair, rules.pair, now);
    let accountWait = attempt.isKnown ? 0 : waitOf(account, rules.account, now);
    if (pair.waitingSince !== null) {
      const patience = pair.waitingSince + rules.pair.longestMs - now;
      accountWait = Math.max(0, Math.min(accountWait, patience));
    }
    const waitMs = Math.max(pairWait, accountWait);
    if (waitMs > 0) {
      if (accountWait > 0) pair.waitingSince ??= now;
      const isFirstRefusal = (pairWait > 0 && !pair.hasRefused) || (accountWait > 0 && !account.hasRefused);
      pair.hasRefused ||= pairWait > 0;
      account.hasRefused ||= accountWait > 0;
      return { allowed: false, waitMs, onlyByAccount: pairWait === 0, isFirstRefusal };
    }
    for (const count of [pair, account]) {
      Object.assign(count, { wrong: count.wrong + 1, before: count.at, at: now, source: '' });
    }
    pair.waitingSince = null;
    return { allowed: true, waitMs: 0, onlyByAccount: false, isFirstRefusal: false };
  }

  /** It was not made after all. */
  giveBack(attempt: Attempt): void {
    for (const key of [pairKey(attempt), attempt.account]) {
      const count = this.counts.get(key);
      if (count === undefined) continue;
      count.wrong = Math.max(0, count.wrong - 1);
      count.at = count.before;
      // Else names that were never tried would push out those that are waiting.
      if (count.wrong === 0 && count.waitingSince === null) this.counts.delete(key);
    }
  }

  /** It was right. */
  clear(attempt: Attempt): void {
    for (const key of [pairKey(attempt), attempt.account]) this.counts.delete(key);
  }

  copyOf(key: string, now = performance.now()): CountCopy {
    const { wrong, at, source } = this.load(key, now);
    return { wrong, at, source };
  }

  /** What another log has counted, which decides as long as it answers. */
  remember(key: string, copy: CountCopy, now = performance.now()): void {
    const count = this.load(key, now);
    Object.assign(count, copy, { before: count.at });
  }

  private load(key: string, now: number): Count {
    let count = this.counts.get(key);
    if (
      count === undefined ||
      Math.max(count.at, count.waitingSince ?? -Infinity) <= now - ATTEMPTS_KEPT_MS
    ) {
      count = { wrong: 0, at: now, before: now, waitingSince: null, hasRefused: false, source: '' };
      this.counts.set(key, count);
    }
    return count;
  }
}
