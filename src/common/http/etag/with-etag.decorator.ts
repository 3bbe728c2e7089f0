import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  UseInterceptors,
} from '@nestjs/common';
import { ApiExtension, ApiHeader } from '@nestjs/swagger';
import { BadRequestError, PreconditionFailedError } from '../../errors/common.errors.js';
import { ApiProblems } from '../../openapi/api-problems.decorator.js';
import { ETAG_EXTENSION } from '../../openapi/document.js';
import { requestOf } from '../request.js';
import { canMatchStrongly } from './etag.js';
import { ETagInterceptor } from './etag.interceptor.js';

const TAGS = { type: 'string', maxLength: 1024, pattern: '^.*$' } as const;

/**
 * The header's text. The service compares it while no other request can change the record. A tag without its quotes or
 * a weak tag can never match, so the caller gets 400 rather than the 412 of a record that has changed.
 */
export const IfMatch = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string | undefined => {
    const header = requestOf(context).headers['if-match'];
    if (header !== undefined && !canMatchStrongly(header))
      throw new BadRequestError(
        'If-Match must have the ETag as the server sent it, with its quotes and without W/.',
      );
    return header;
  },
);

/** On a route that takes {@link IfMatch}. */
export const ApiIfMatch = () =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: false,
      description:
        'The `ETag` of the answer that this is based on: 412 when the item has changed since. `*` accepts any state.',
      schema: TAGS,
    }),
    ApiProblems(new PreconditionFailedError()),
  );

/** On a route whose handler returns an {@link AnswerWithETag}. */
export const WithETag = () =>
  applyDecorators(UseInterceptors(ETagInterceptor), ApiExtension(ETAG_EXTENSION, true));

/** As {@link WithETag}, on a `GET`: 304 when the caller has the answer already. */
export const ConditionalGet = () =>
  applyDecorators(
    WithETag(),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'The `ETag` of an earlier answer: 304 when nothing has changed since.',
      schema: TAGS,
    }),
  );
