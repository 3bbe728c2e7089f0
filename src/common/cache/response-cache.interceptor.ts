import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { type HttpReply, replyOf, requestOf } from '../http/request.js';
import { matchesWeakly } from '../http/etag/etag.js';
import { pathOf } from '../http/path.js';
import { lruCache } from '../lru-cache.js';
import { listETag, listKey, queryHash } from './cache-keys.js';
import type { ResponseStore } from './response-store.js';

/** `ResponseStore | null`: null when `CACHE_TTL_SECONDS` is 0. */
export const RESPONSE_STORE = Symbol('RESPONSE_STORE');

type Outcome = 'HIT' | 'MISS' | 'BYPASS';
interface Answer {
  readonly body: string;
  readonly outcome: Outcome;
}

/** What the query means when it says nothing. A spelling that is missing here costs a second entry, never a wrong one. */
const QUERY_DEFAULTS = { skip: '0', limit: '10', sort: 'created_at_desc' };

/** Each of up to 8 KiB, as long as a URL may be. */
const MAXIMUM_QUERIES = 1000;

/**
 * Keeps answers as the bytes that are sent. The version that is in every key came with the caller, before any
 * data is read here; see cache-keys.ts for why that makes them coherent. The request's own `Cache-Control` is not
 * looked at: nobody needs to ask for freshness, and nobody can make us compute.
 */
@Injectable()
export class ResponseCacheInterceptor implements NestInterceptor {
  /** By the versioned key: with the bare one, a reader could be handed the answer to an older question. */
  private readonly flights = new Map<string, Promise<Answer>>();
  /**
   * The hashes of queries that have been answered, by how they were spelled. Our tags can be made by whoever knows how;
   * one for a query that would be refused must not be told that nothing has changed.
   */
  private readonly answered = lruCache<string, string>(MAXIMUM_QUERIES);

  constructor(@Inject(RESPONSE_STORE) private readonly store: ResponseStore | null) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<string | undefined> {
    return from(this.answer(context, next));
  }

  private async answer(context: ExecutionContext, next: CallHandler): Promise<string | undefined> {
    const { user, url, query, headers } = requestOf(context);
    const reply = replyOf(context);
    if (user === undefined) throw new Error('@CacheResponse() on a public route');
    const spelling = url.slice(pathOf(url).length);
    const known = this.answered.get(spelling);
    const hash = known ?? queryHash(query as Record<string, unknown>, QUERY_DEFAULTS);
    const etag = listETag(user.id, user.listVersion, hash);
    const ifNoneMatch = headers['if-none-match'];
    const hasIt = ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag);
    if (hasIt && known !== undefined) return this.reply(reply, etag, { body: '', outcome: 'HIT' }, 304);
    const answer =
      this.store === null
        ? ({ body: await compute(next), outcome: 'BYPASS' } as const)
        : await this.find(this.store, listKey(user.id, user.listVersion, hash), next);
    if (known === undefined) this.answered.set(spelling, hash);
    return this.reply(reply, etag, answer, hasIt || ifNoneMatch === '*' ? 304 : 200);
  }

  private reply(
    reply: HttpReply,
    etag: string,
    { body, outcome }: Answer,
    status: 200 | 304,
  ): string | undefined {
    reply.headers({
      etag,
      vary: 'Authorization, Origin',
      'cache-control': 'private, no-cache',
      'x-cache': outcome,
    });
    if (status === 304) {
      reply.code(304);
      return undefined;
    }
    reply.header('content-type', 'application/json; charset=utf-8');
    return body;
  }

  private find(store: ResponseStore, key: string, next: CallHandler): Promise<Answer> {
    let flight = this.flights.get(key);
    if (flight === undefined) {
      flight = this.fly(store, key, next);
      this.flights.set(key, flight);
    }
    return flight;
  }

  private async fly(store: ResponseStore, key: string, next: CallHandler): Promise<Answer> {
    try {
      const stored = await store.get(key);
      if (typeof stored === 'string') return { body: stored, outcome: 'HIT' };
      const body = await compute(next);
      const isStored = stored === null && (await store.set(key, body));
      return { body, outcome: isStored ? 'MISS' : 'BYPASS' };
    } finally {
      this.flights.delete(key);
    }
  }
}

async function compute(next: CallHandler): Promise<string> {
  return JSON.stringify(await lastValueFrom(next.handle()));
}
