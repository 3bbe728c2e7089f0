import { hash as digest } from 'node:crypto';
import type { Type } from '@nestjs/common';
import type { HttpRequest } from '../http/request.js';

/** The data that a cached answer is made of. */
export interface CacheScope {
  /** The resource, in characters that an `ETag` can have. No two resources share a name: `list:7`. */
  readonly resource: string;
  /** Different after each change to anything that the answer shows. */
  readonly version: string;
}

/**
 * A provider that names the scope of a request's answer. It must read the version before the route reads any data.
 *
 * Nothing here is ever invalidated, because the version rises in the same transaction as each write. An answer that is
 * stored under a version therefore holds every write up to it, and after a write is acknowledged no reader asks for an
 * older version again. No invalidation message can be lost. Old answers end with their time to live.
 */
export interface CacheKey {
  scopeOf(request: HttpRequest): Promise<CacheScope>;
}

/** The query's raw values for the parameters that a request leaves out, as the query's class sets them. */
export type QueryDefaults = Readonly<Record<string, string>>;

export function storeKey({ resource, version }: CacheScope, hash: string): string {
  return `wl:${resource}:${version}:${hash}`;
}

/**
 * Weak: two answers with this tag say the same, whatever their bytes. The resource is part of it, because a browser
 * keeps the answers to two users under one address and can send the tag of one for the other.
 */
export function cacheETag({ resource, version }: CacheScope, hash: string): string {
  return `W/"${resource}.${version}.${hash}"`;
}

/** From the class itself, so that a changed default also changes the keys of the queries that leave it out. */
export function queryDefaults(query: Type): QueryDefaults {
  const values = Object.entries(new query() as object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(values.map(([name, value]) => [name, String(value)]));
}

/** One hash for all spellings of a query that mean the same: in any order, with defaults given or left out. */
export function queryHash(query: Readonly<Record<string, unknown>>, defaults: QueryDefaults): string {
  const entries = Object.entries({ ...defaults, ...query }).sort(([a], [b]) => (a < b ? -1 : 1));
  return digest('sha256', JSON.stringify(entries), 'base64url').slice(0, 16);
}
