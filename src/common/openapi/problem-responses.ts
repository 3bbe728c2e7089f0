import type { OpenAPIObject } from '@nestjs/swagger';
import {
  BadRequestError,
  BodyTooLargeError,
  DependencyDownError,
  HeadersTooLargeError,
  InternalError,
  MalformedJsonError,
  OverloadedError,
  RateLimitedError,
  RequestTimeoutError,
  ShuttingDownError,
  UnsupportedMediaTypeError,
  UriTooLongError,
  ValidationFailedError,
} from '../errors/common.errors.js';
import type { ProblemDocument, ProblemError } from '../errors/problem.error.js';
import { MAXIMUM_ID } from '../validation/fields.js';
import { MAXIMUM_HEAD_SIZE, MAXIMUM_URL_LENGTH } from '../http/request-limits.js';
import { responseHeaders } from './response-headers.js';

type Components = NonNullable<OpenAPIObject['components']>;
type Schemas = NonNullable<Components['schemas']>;
type Response = Exclude<NonNullable<Components['responses']>[string], { $ref: string }>;

const text = (maxLength: number, pattern: string, example: string) => ({
  type: 'string',
  maxLength,
  pattern,
  example,
});

export const PROBLEM_SCHEMAS: Schemas = {
  FieldError: {
    type: 'object',
    additionalProperties: false,
    required: ['field', 'message'],
    properties: {
      field: text(MAXIMUM_HEAD_SIZE, '^[\\s\\S]*$', 'email'),
      message: text(1000, '^.*$', 'must be an e-mail address'),
    },
  },
  Problem: {
    type: 'object',
    description: 'RFC 9457.',
    additionalProperties: false,
    required: ['type', 'title', 'status', 'detail', 'code', 'request_id', 'instance'],
    properties: {
      type: text(100, '^urn:watchlist:problem:[a-z-]+$', 'urn:watchlist:problem:validation-failed'),
      title: text(60, '^[A-Za-z -]+$', 'Unprocessable Content'),
      status: { type: 'integer', format: 'int32', minimum: 400, maximum: 599, example: 422 },
      detail: text(100_000, '^[\\s\\S]*$', 'Not valid: email.'),
      code: text(60, '^[A-Z_]+$', 'VALIDATION_FAILED'),
      request_id: text(128, '^[A-Za-z0-9._-]{1,128}$', 'b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10'),
      instance: text(MAXIMUM_HEAD_SIZE, '^[\\s\\S]*$', '/v1/auth/register'),
      errors: { type: 'array', maxItems: 5000, items: { $ref: '#/components/schemas/FieldError' } },
      existing_item_id: { type: 'integer', format: 'int32', minimum: 1, maximum: MAXIMUM_ID, example: 7 },
      existing_item_deleted: { type: 'boolean', example: false },
    },
  },
};

/** The document of a real error, so that the examples match the server. */
export function exampleOf(error: ProblemError): ProblemDocument {
  return error.toDocument('b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10', '/v1/watchlists/items');
}

/** The problems that every route can have, by status. */
const COMMON: Record<number, [description: string, ...errors: ProblemError[]]> = {
  400: [
    'The body or the percent-encoding is not readable.',
    new MalformedJsonError('The body is not valid JSON.'),
    new BadRequestError('The query is not valid percent-encoded UTF-8.'),
  ],
  408: ['The request arrived too slowly.', new RequestTimeoutError()],
  413: ['The body is too large.', new BodyTooLargeError(16_384)],
  414: ['The URL is too long.', new UriTooLongError(MAXIMUM_URL_LENGTH)],
  415: ['The body is not JSON.', new UnsupportedMediaTypeError()],
  422: [
    'The request is well-formed but not valid; `errors` names each invalid field.',
    new ValidationFailedError([
      { field: 'limit', message: 'must be a whole number from 1 to 100, given once' },
    ]),
  ],
  429: ['Over a rate limit; see `Retry-After`.', new RateLimitedError(12)],
  431: ['The headers are too large.', new HeadersTooLargeError()],
  500: ['The server failed.', new InternalError(undefined)],
  503: [
    'Temporarily not available; see `Retry-After`.',
    new DependencyDownError('database'),
    new OverloadedError(),
    new ShuttingDownError(),
  ],
};

/** A response and its name among the document's components. */
export interface NamedResponse {
  readonly status: number;
  readonly name: string;
  readonly response: Response;
}

export function commonProblem(status: number): NamedResponse {
  const [description, ...errors] = COMMON[status]!;
  const examples = errors.map(exampleOf);
  return named(examples[0]!.title, description, examples);
}

/** Also on public routes, where it never happens, because OWASP's rules require it on every route. */
export function unauthorizedProblem(error: ProblemError): NamedResponse {
  const description = 'Not signed in, or no longer signed in. Public routes never respond with it.';
  return named('Unauthorized', description, [exampleOf(error)]);
}

/** The 403 for a personal token without this scope. Undefined: no scope allows the route. */
export function missingScopeProblem(error: ProblemError, scope: string | undefined): NamedResponse {
  return scope === undefined
    ? named('not_for_personal_tokens', 'Personal tokens cannot use this route.', [exampleOf(error)])
    : named(`missing_scope_${scope.replace(':', '_')}`, `A personal token without the scope \`${scope}\`.`, [
        exampleOf(error),
      ]);
}

/** @param examples must have the same status */
export function ownProblem(examples: readonly ProblemDocument[]): NamedResponse {
  const name = examples.map(({ code }) => code.toLowerCase()).join('_or_');
  return named(name, examples.map(({ detail }) => detail).join(' '), examples);
}

function named(words: string, description: string, examples: readonly ProblemDocument[]): NamedResponse {
  const { status } = examples[0]!;
  return {
    status,
    name: words
      .split(/[ _]/)
      .map((word) => word[0]!.toUpperCase() + word.slice(1))
      .join(''),
    response: {
      description,
      headers: responseHeaders(status),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(examples.map((value) => [value.code, { value }])),
        },
      },
    },
  };
}
