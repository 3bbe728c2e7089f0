import { hash as digest } from 'node:crypto';

/**
 * Why nothing here is ever invalidated: a user's `listVersion` goes up in the same transaction as each write to
 * the list, and a reader takes the version *before* it reads any data. So what is stored under a version holds
 * every write up to it, and after a write is acknowledged no reader asks for an older version again. There is no
 * invalidation message that could be lost. What nobody asks for any more ends with its time to live.
 */
export function listKey(userId: number, listVersion: string, hash: string): string {
  return `wl:${userId}:${listVersion}:${hash}`;
}

/**
 * Weak: two answers with this tag say the same, whatever their bytes. The user is part of it because a browser may
 * ask for one user with the tag of another (it keeps both under one address), and would show what it kept on a 304.
 */
export function listETag(userId: number, listVersion: string, hash: string): string {
  return `W/"${userId}.${listVersion}.${hash}"`;
}

/** One hash for all spellings of a query that mean the same: in whatever order, defaults given or left out. */
export function queryHash(
  query: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, string>>,
): string {
  const entries = Object.entries({ ...defaults, ...query }).sort(([a], [b]) => (a < b ? -1 : 1));
  return digest('sha256', JSON.stringify(entries), 'base64url').slice(0, 16);
}
