import { type FieldError, isProblem, retryAfterOf } from '@watchlist/client';

/** An answer that is not a success: what the problem document (RFC 9457) says. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly fields: readonly FieldError[],
    /** Seconds after which it is worth trying again. */
    readonly retryAfter: number | null,
    readonly requestId: string | null,
  ) {
    super(detail);
  }
}

interface Outcome<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/**
 * What was asked for.
 *
 * @throws ApiProblem for any other answer, and when there is none
 */
export async function answerOf<Data>(asking: Promise<Outcome<Data>>): Promise<Data> {
  return (await outcomeOf(asking)).data;
}

/** As {@link answerOf}, with the answer's headers: for whoever needs its `ETag`. */
export async function outcomeOf<Data>(
  asking: Promise<Outcome<Data>>,
): Promise<{ data: Data; response: Response }> {
  let outcome: Outcome<Data>;
  try {
    outcome = await asking;
  } catch (cause) {
    // A request that needs a new access token first fails as the exchange for it does.
    throw cause instanceof ApiProblem ? cause : unreachable(cause);
  }
  const { data, error, response } = outcome;
  if (!response.ok) throw problemOf(error, response);
  return { data: data as Data, response };
}

/** What to tell a person about whatever was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ApiProblem)) return 'Something went wrong in this page. Reload it and try again.';
  if (error.fields.length > 0)
    return error.fields.map(({ field, message }) => `${field} ${message}`).join('; ');
  return error.retryAfter === null
    ? error.message
    : `${withoutWait(error)} Try again in ${error.retryAfter} s.`;
}

/** What is the matter, for whoever tells the wait otherwise. */
export const withoutWait = ({ code, message }: ApiProblem) =>
  code === 'RATE_LIMITED' ? 'Too many tries in a short time.' : message;

/** What is wrong with each field, for a form; empty when the problem is another. */
export function fieldMessages(error: unknown): Record<string, string> {
  if (!(error instanceof ApiProblem)) return {};
  return Object.fromEntries(error.fields.map(({ field, message }) => [field, `This ${message}.`]));
}

export const hasCode = (error: unknown, code: string) => error instanceof ApiProblem && error.code === code;

export const hasStatus = (error: unknown, ...statuses: number[]) =>
  error instanceof ApiProblem && statuses.includes(error.status);

function problemOf(error: unknown, response: Response): ApiProblem {
  const problem = isProblem(error) ? error : undefined;
  return new ApiProblem(
    response.status,
    problem?.code ?? 'UNKNOWN',
    // A gateway between us and the server has words of its own.
    problem?.detail ?? `The server cannot be reached properly at the moment (${response.status}).`,
    problem?.errors ?? [],
    retryAfterOf(response) ?? null,
    response.headers.get('x-request-id'),
  );
}

const unreachable = (cause: unknown) =>
  Object.assign(new ApiProblem(0, 'UNREACHABLE', 'The server cannot be reached.', [], null, null), { cause });
