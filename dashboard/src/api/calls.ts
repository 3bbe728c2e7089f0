import { useSyncExternalStore } from 'react';

/** A policy's standing, as the headers of one answer tell it. */
export interface RateLimit {
  readonly policy: string;
  readonly limit: number;
  readonly remaining: number;
  /** When the oldest counted call leaves the window; milliseconds since 1970. */
  readonly resetsAt: number;
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

export function clearCalls(): void {
  calls = [];
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function keep(call: Call): void {
  calls = [call, ...calls].slice(0, MAXIMUM_CALLS);
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
  const number = (name: string) => (header(name) === null ? null : Number(header(name)));
  return {
    id: ++lastId,
    method,
    path: pathname + search,
    startedAt,
    milliseconds,
    status: response?.status ?? 0,
    requestId: header('x-request-id'),
    cache: header('x-cache'),
    rateLimit: rateLimitOf(header('ratelimit-policy'), number),
    retryAfter: number('retry-after'),
  };
}

/** `RateLimit-Policy: "list";q=60;w=60`: the name stands in quotes. */
function rateLimitOf(policy: string | null, number: (name: string) => number | null): RateLimit | null {
  const [, name] = /^"([^"]+)"/.exec(policy ?? '') ?? [];
  const limit = number('x-ratelimit-limit');
  const remaining = number('x-ratelimit-remaining');
  const reset = number('x-ratelimit-reset');
  if (name === undefined || limit === null || remaining === null || reset === null) return null;
  return { policy: name, limit, remaining, resetsAt: reset * 1000 };
}
