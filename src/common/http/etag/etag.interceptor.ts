import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { replyOf, requestOf } from '../request.js';
import { matchesWeakly } from './etag.js';

/** Returned by the handler of a route with `@WithETag()`. */
export interface AnswerWithETag<Body extends object> {
  readonly body: Body;
  /** Strong. */
  readonly etag: string;
}

/** Sends the body with its tag; a reader that has it already gets a 304. */
@Injectable()
export class ETagInterceptor implements NestInterceptor {
  intercept(
    context: ExecutionContext,
    next: CallHandler<AnswerWithETag<object>>,
  ): Observable<object | undefined> {
    const { method, headers } = requestOf(context);
    const reply = replyOf(context);
    const ifNoneMatch = method === 'GET' || method === 'HEAD' ? headers['if-none-match'] : undefined;
    return next.handle().pipe(
      map(({ body, etag }) => {
        reply.header('etag', etag);
        if (ifNoneMatch !== undefined && (ifNoneMatch === '*' || matchesWeakly(ifNoneMatch, etag))) {
          reply.code(304);
          return undefined;
        }
        return body;
      }),
    );
  }
}
