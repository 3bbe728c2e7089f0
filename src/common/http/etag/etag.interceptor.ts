import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { replyOf, requestOf } from '../request.js';
import { entityTag, matchesWeakly } from './etag.js';

/** Answers with the tag of exactly the bytes that are sent; a reader who has them already is told so (304). */
@Injectable()
export class EntityTagInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<object>): Observable<string | undefined> {
    const { method, headers } = requestOf(context);
    const reply = replyOf(context);
    const ifNoneMatch = method === 'GET' || method === 'HEAD' ? headers['if-none-match'] : undefined;
    return next.handle().pipe(
      map((answer) => {
        const body = JSON.stringify(answer);
        const etag = entityTag(body);
        reply.header('etag', etag);
        if (ifNoneMatch !== undefined && (ifNoneMatch === '*' || matchesWeakly(ifNoneMatch, etag))) {
          reply.code(304);
          return undefined;
        }
        reply.header('content-type', 'application/json; charset=utf-8');
        return body;
      }),
    );
  }
}
