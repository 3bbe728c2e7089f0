import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { ApiExtension, ApiHeader } from '@nestjs/swagger';
import { CACHED_EXTENSION } from '../openapi/document.js';
import { ResponseCacheInterceptor } from './response-cache.interceptor.js';

/** Caches a `GET` of the caller's own list until that list changes. Needs {@link CacheModule}, and a route that needs a token. */
export const CacheResponse = () =>
  applyDecorators(
    UseInterceptors(ResponseCacheInterceptor),
    ApiExtension(CACHED_EXTENSION, true),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'The `ETag` of an earlier answer: 304 when nothing has changed since.',
      schema: { type: 'string', maxLength: 1024, pattern: '^.*$' },
    }),
  );
