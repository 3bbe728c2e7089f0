import { useSyncExternalStore } from 'react';

/** A policy's standing, as the headers of one answer tell it. */
export interface RateLimit {
  readonly policy: string;
  readonly limit: number;
  readonly remaining: number;
  readonly windowSeconds: number;
  /** When the oldest counted call leaves the window; milliseconds since 1970. */
  readonly resetsAt: number;
  /** When the answer came. */
  readonly seenAt: number;
  /** When it is worth trying again; null unless that answer was a refusal. */
  readonly refusedUntil: number | null;
}

/** One request to the API, and what became of it. */
export interface Call {
  readonly id: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly startedAt: Date;
  /** Until the whole answer was there. */
  readonly milliseconds: number;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly requestId: string | null;
  readonly cache: string | null;
  readonly rateLimit: RateLimit | null;
  readonly retryAfter: number | null;
}

const MAXIMUM_CALLS = 100;

let calls: readonly Call[] = [];
/** The newest of each policy, in the order in which they were met. */
let rateLimits: readonly RateLimit[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

/** Sends a request, and writes down how it went. */
export async function recorded(request: Request): Promise<Response> {
  const startedAt = new Date();
  const began = performance.now();
  let response: Response | undefined;
  try {
    response = await fetch(request);
    // The time that is told is that of the whole answer. What is read here is read again by whoever asked.
    await response.clone().arrayBuffer();
    return response;
  } finally {
    keep(describe(request, response, startedAt, performance.now() - began));
  }
}

/** The newest first. */
export function useCalls(): readonly Call[] {
  return useSyncExternalStore(subscribe, () => calls);
}

export function useRateLimits(): readonly RateLimit[] {
  return useSyncExternalStore(subscribe, () => rateLimits);
}

/** The one that was answered under this number. */
export function callOf(requestId: string | null): Call | undefined {
  return calls.find((call) => call.requestId === requestId);
}

/** The list only: what is left of each limit is so all the same. */
export function clearCalls(): void {
  calls = [];
  for (const listener of listeners) listener();
}

/** For the next person at this browser: limits are somebody's, too. */
export function forgetCalls(): void {
  rateLimits = [];
  clearCalls();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function keep(call: Call): void {
  calls = [call, ...calls].slice(0, MAXIMUM_CALLS);
  const { rateLimit } = call;
  if (rateLimit !== null) {
    const isKnown = rateLimits.some(({ policy }) => policy === rateLimit.policy);
    rateLimits = isKnown
      ? rateLimits.map((known) => (known.policy === rateLimit.policy ? rateLimit : known))
      : [...rateLimits, rateLimit];
  }
  for (const listener of listeners) listener();
}

function describe(
  { method, url }: Request,
  response: Response | undefined,
  startedAt: Date,
  milliseconds: number,
): Call {
  const { pathname, search } = new URL(url);
  const header = (name: string) => response?.headers.get(name) ?? null;
  const retryAfter = header('retry-after') === null ? null : Number(header('retry-after'));
  const isRefusal = response?.status === 429;
  return {
    id: ++lastId,
    method,
    path: pathname + search,
    startedAt,
    milliseconds,
    status: response?.status ?? 0,
    requestId: header('x-request-id'),
    cache: header('x-cache'),
    rateLimit: rateLimitOf(header('ratelimit-policy'), header('ratelimit'), isRefusal ? retryAfter : null),
    retryAfter,
  };
}

/**
 * `RateLimit-Policy: "list";q=60;w=60` and `RateLimit: "list";r=59;t=60`. Not `X-RateLimit-Reset`: that is a time by the
 * server's clock, and this browser's may be another.
 */
function rateLimitOf(policy: string | null, state: string | null, wait: number | null): RateLimit | null {
  const [, name, limit, windowSeconds] = /^"([^"]+)";q=(\d+);w=(\d+)/.exec(policy ?? '') ?? [];
  const [, remaining, seconds] = /;r=(\d+);t=(\d+)/.exec(state ?? '') ?? [];
  if (name === undefined || remaining === undefined) return null;
  const seenAt = Date.now();
  return {
    policy: name,
    limit: Number(limit),
    remaining: Number(remaining),
    windowSeconds: Number(windowSeconds),
    resetsAt: seenAt + Number(seconds) * 1000,
    seenAt,
    refusedUntil: wait === null ? null : seenAt + wait * 1000,
  };
}
