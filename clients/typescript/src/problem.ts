import type { components } from './schema.js';

/** RFC 9457; `code` is what a program decides by, `docs/errors.md` lists them all. */
export type Problem = components['schemas']['Problem'];
/** Of a 422: what is wrong with which field. */
export type FieldError = components['schemas']['FieldError'];

/** The server has answered with a problem document. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  readonly code: string;
  /** Empty unless this is a 422. */
  readonly errors: readonly FieldError[];
  /** By which the server's log and audit rows can be found. */
  readonly requestId: string;
  /** Seconds after which a try can succeed, where the server says so. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly problem: Problem,
    readonly response: Response,
  ) {
    super(problem.detail);
    this.status = problem.status;
    this.code = problem.code;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
    this.retryAfter = retryAfterOf(response);
  }
}

/** An answer that is neither what was asked for nor a problem document: a 304, or something of a proxy's. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError';
  constructor(
    readonly response: Response,
    /** Parsed, if it was JSON. */
    readonly body: unknown,
  ) {
    super(`${response.status} ${response.statusText} from ${response.url}`);
  }
}

/**
 * Whether the `error` of an answer is a problem document. The types say that it always is; what stands between client and
 * server has not read them.
 */
export function isProblem(error: unknown): error is Problem {
  const { code, detail, status } = (error ?? {}) as Partial<Record<keyof Problem, unknown>>;
  return typeof code === 'string' && typeof detail === 'string' && typeof status === 'number';
}

interface Answer {
  readonly data?: unknown;
  readonly error?: unknown;
  readonly response: Response;
}

/**
 * What was asked for, or a throw: `const { item } = unwrap(await client.POST(…))`.
 *
 * @throws ProblemError, or UnexpectedAnswerError for what is no problem document
 */
export function unwrap<Given extends Answer>({
  data,
  error,
  response,
}: Given): Extract<Given, { error?: never }>['data'] {
  if (response.ok) return data;
  throw isProblem(error) ? new ProblemError(error, response) : new UnexpectedAnswerError(response, error);
}

/** The seconds of `Retry-After`, which may be a date too (a proxy's); undefined without one. */
export function retryAfterOf({ headers }: Response): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

/**
 * An item's `ETag`, for `If-Match`. A proxy that compresses answers makes it a weak one, and a weak one never matches:
 * the `W/` is left out.
 */
export function etagOf({ headers }: Response): string | undefined {
  return headers.get('etag')?.replace(/^W\//, '');
}
