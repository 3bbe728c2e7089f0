import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  UseInterceptors,
} from '@nestjs/common';
import { ApiExtension, ApiHeader } from '@nestjs/swagger';
import { PreconditionFailedError } from '../../errors/common.errors.js';
import { ApiProblems } from '../../openapi/api-problems.decorator.js';
import { TAGGED_EXTENSION } from '../../openapi/document.js';
import { requestOf } from '../request.js';
import { EntityTagInterceptor } from './etag.interceptor.js';

const TAGS = { type: 'string', maxLength: 1024, pattern: '^.*$' } as const;

/** The header that `confirmMatch` takes. */
export const IfMatch = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string | undefined => requestOf(context).headers['if-match'],
);

/** On a route that takes {@link IfMatch}. */
export const ApiIfMatch = () =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: false,
      description:
        'The `ETag` of the answer that this is based on: 412 when it has changed since. `*`: whatever is there.',
      schema: TAGS,
    }),
    ApiProblems(new PreconditionFailedError()),
  );

/** An answer with a strong `ETag`: the same for the same thing, whether it was added, read or changed. */
export const Tagged = () =>
  applyDecorators(UseInterceptors(EntityTagInterceptor), ApiExtension(TAGGED_EXTENSION, true));

/** As {@link Tagged}, of a `GET`: 304 where the caller has it already. */
export const TaggedRead = () =>
  applyDecorators(
    Tagged(),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'The `ETag` of an earlier answer: 304 when nothing has changed since.',
      schema: TAGS,
    }),
  );
