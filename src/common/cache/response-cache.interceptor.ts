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
  /** See {@link compute}. */
  readonly text: string;
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
      return this.reply(reply, etag, { text: '', outcome: 'HIT' }, 304);
    const answer =
      this.store === null
        ? ({ text: await compute(next, reply), outcome: 'BYPASS' } as const)
        : await this.find(this.store, storeKey(scope, hash), () => compute(next, reply));
    if (known === undefined) this.knownQueries.set(spelling, hash);
    return this.reply(reply, etag, answer, isNotModified || ifNoneMatch === '*' ? 304 : 200);
  }

  private reply(
    reply: HttpReply,
    etag: string,
    { text, outcome }: Answer,
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
    const endOfLink = text.indexOf('\n');
    if (endOfLink > 0) reply.header('link', text.slice(0, endOfLink));
    reply.header('content-type', 'application/json; charset=utf-8');
    return text.slice(endOfLink + 1);
  }

  private find(store: ResponseStore, key: string, computed: () => Promise<string>): Promise<Answer> {
    let answer = this.inFlight.get(key);
    if (answer === undefined) {
      answer = this.load(store, key, computed);
      this.inFlight.set(key, answer);
    }
    return answer;
  }

  private async load(store: ResponseStore, key: string, computed: () => Promise<string>): Promise<Answer> {
    try {
      const stored = await store.get(key);
      if (typeof stored === 'string') return { text: stored, outcome: 'HIT' };
      const text = await computed();
      const isStored = stored === null && (await store.set(key, text));
      return { text, outcome: isStored ? 'MISS' : 'BYPASS' };
    } finally {
      this.inFlight.delete(key);
    }
  }
}

/** The answer's `Link` header, which the handler sets, and after the first line break the answer itself. */
async function compute(next: CallHandler, reply: HttpReply): Promise<string> {
  const body = JSON.stringify(await lastValueFrom(next.handle()));
  return `${(reply.getHeader('link') as string | undefined) ?? ''}\n${body}`;
}
