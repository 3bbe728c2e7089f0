import { applyDecorators, Inject, Injectable, type Type, UseInterceptors } from '@nestjs/common';
import { ApiExtension, ApiHeader } from '@nestjs/swagger';
import { CACHED_EXTENSION } from '../openapi/document.js';
import { type CacheKey, queryDefaults } from './cache-keys.js';
import { RESPONSE_STORE, ResponseCache } from './response-cache.interceptor.js';
import type { ResponseStore } from './response-store.js';

interface CacheOptions {
  /** A provider of the controller's module that names the data which the answer shows. */
  readonly key: Type<CacheKey>;
  /** The class of the route's query, if it has one. Its defaults decide which spellings of a query mean the same. */
  readonly query?: Type;
}

/** Caches the answers of a `GET` until the data behind its key changes. The controller's module imports `CacheModule`. */
export function CacheResponse({ key, query }: CacheOptions): MethodDecorator {
  const defaults = query === undefined ? {} : queryDefaults(query);

  @Injectable()
  class RouteCache extends ResponseCache {
    constructor(@Inject(RESPONSE_STORE) store: ResponseStore | null, @Inject(key) cacheKey: CacheKey) {
      super(store, cacheKey, defaults);
    }
  }

  return applyDecorators(
    UseInterceptors(RouteCache),
    ApiExtension(CACHED_EXTENSION, true),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'The `ETag` of an earlier answer: 304 when nothing has changed since.',
      schema: { type: 'string', maxLength: 1024, pattern: '^.*$' },
    }),
  );
}
