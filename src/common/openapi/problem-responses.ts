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
      field: text(16_384, '^[\\s\\S]*$', 'email'),
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
      detail: text(100_000, '^[\\s\\S]*$', 'Not acceptable: email.'),
      code: text(60, '^[A-Z_]+$', 'VALIDATION_FAILED'),
      request_id: text(128, '^[A-Za-z0-9._-]{1,128}$', 'b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10'),
      instance: text(16_384, '^[\\s\\S]*$', '/v1/auth/register'),
      errors: { type: 'array', maxItems: 5000, items: { $ref: '#/components/schemas/FieldError' } },
    },
  },
};

/** An error as it is answered, so that what the document shows is what the server says. */
export function exampleOf(error: ProblemError): ProblemDocument {
  return error.toDocument('b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10', '/v1/watchlists/items');
}

/** What any route can answer: by status, in words and by example. */
const COMMON: Record<number, [description: string, ...errors: ProblemError[]]> = {
  400: [
    'Not readable: body or percent-encoding.',
    new MalformedJsonError('The body is not valid JSON.'),
    new BadRequestError('The query is not valid percent-encoded UTF-8.'),
  ],
  408: ['Sent too slowly.', new RequestTimeoutError()],
  413: ['Body too large.', new BodyTooLargeError(16_384)],
  414: ['URL too long.', new UriTooLongError(8192)],
  415: ['Not JSON.', new UnsupportedMediaTypeError()],
  422: [
    'Well-formed, but not acceptable; each failing field is named.',
    new ValidationFailedError([
      { field: 'limit', message: 'must be a whole number from 1 to 100, given once' },
    ]),
  ],
  429: ['Over a limit; see `Retry-After`.', new RateLimitedError(12)],
  431: ['Headers too large.', new HeadersTooLargeError()],
  500: ['Our fault.', new InternalError(undefined)],
  503: [
    'Not now; see `Retry-After`.',
    new DependencyDownError('database'),
    new OverloadedError(),
    new ShuttingDownError(),
  ],
};

/** A response, and what it is called among the document's components. */
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

/** On open routes too, where it never happens: OWASP's rules want it everywhere, and clients need not tell routes apart. */
export function unauthorizedProblem(error: ProblemError): NamedResponse {
  const description = 'Not signed in, or not any more. Routes that need no token never answer this.';
  return named('Unauthorized', description, [exampleOf(error)]);
}

/** For routes that a personal token can do with this scope; undefined: with none. */
export function missingScopeProblem(error: ProblemError, scope: string | undefined): NamedResponse {
  return scope === undefined
    ? named('not_for_personal_tokens', 'Not for personal tokens.', [exampleOf(error)])
    : named(`missing_scope_${scope.replace(':', '_')}`, `A personal token without the scope \`${scope}\`.`, [
        exampleOf(error),
      ]);
}

/** @param examples all of one status */
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
