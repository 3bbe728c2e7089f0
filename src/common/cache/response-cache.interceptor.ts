import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { matchesWeakly } from '../http/etag/etag.js';
import { pathOf } from '../http/path.js';
import { type HttpReply, replyOf, requestOf } from '../http/request.js';
import { lruCache } from '../lru-cache.js';
import { cacheETag, type CacheKey, type QueryDefaults, queryHash, storeKey } from './cache-keys.js';
import type { ResponseStore } from './response-store.js';

/** `ResponseStore | null`: null when `CACHE_TTL_SECONDS` is 0. */
export const RESPONSE_STORE = Symbol('RESPONSE_STORE');

type Outcome = 'HIT' | 'MISS' | 'BYPASS';
interface Answer {
  readonly body: string;
  readonly outcome: Outcome;
}

/** A URL, and so each of them, has at most 8 KiB. */
const MAXIMUM_QUERIES = 1000;

/**
 * The cache of one route; it keeps answers as the bytes that are sent. The request's own `Cache-Control` is ignored:
 * no client needs to ask for freshness, and none can force a computation.
 */
export abstract class ResponseCache implements NestInterceptor {
  /** By the versioned key, because a reader must never get an answer that is older than its own request. */
  private readonly inFlight = new Map<string, Promise<Answer>>();
  /**
   * The hashes of queries that were answered, by their spelling. A client can make up a tag, so a query that was never
   * answered must be checked before it can get a 304.
   */
  private readonly knownQueries = lruCache<string, string>(MAXIMUM_QUERIES);

  constructor(
    private readonly store: ResponseStore | null,
    private readonly key: CacheKey,
    private readonly defaults: QueryDefaults,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<string | undefined> {
    return from(this.answer(context, next));
  }

  private async answer(context: ExecutionContext, next: CallHandler): Promise<string | undefined> {
    const request = requestOf(context);
    const reply = replyOf(context);
    const scope = await this.key.scopeOf(request);
    const spelling = request.url.slice(pathOf(request.url).length);
    const known = this.knownQueries.get(spelling);
    const hash = known ?? queryHash(request.query as Record<string, unknown>, this.defaults);
    const etag = cacheETag(scope, hash);
    const ifNoneMatch = request.headers['if-none-match'];
    const isNotModified = ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag);
    if (isNotModified && known !== undefined)
      return this.reply(reply, etag, { body: '', outcome: 'HIT' }, 304);
    const answer =
      this.store === null
        ? ({ body: await compute(next), outcome: 'BYPASS' } as const)
        : await this.find(this.store, storeKey(scope, hash), next);
    if (known === undefined) this.knownQueries.set(spelling, hash);
    return this.reply(reply, etag, answer, isNotModified || ifNoneMatch === '*' ? 304 : 200);
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
    let answer = this.inFlight.get(key);
    if (answer === undefined) {
      answer = this.load(store, key, next);
      this.inFlight.set(key, answer);
    }
    return answer;
  }

  private async load(store: ResponseStore, key: string, next: CallHandler): Promise<Answer> {
    try {
      const stored = await store.get(key);
      if (typeof stored === 'string') return { body: stored, outcome: 'HIT' };
      const body = await compute(next);
      const isStored = stored === null && (await store.set(key, body));
      return { body, outcome: isStored ? 'MISS' : 'BYPASS' };
    } finally {
      this.inFlight.delete(key);
    }
  }
}

async function compute(next: CallHandler): Promise<string> {
  return JSON.stringify(await lastValueFrom(next.handle()));
}
