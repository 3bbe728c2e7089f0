import { retryAfterOf } from './problem.js';

export interface RetryAfterOptions {
  /** How often one request is sent again; 3 unless set. */
  readonly retries?: number;
  /** What is asked for more seconds than this is not sent again; 120 unless set. */
  readonly maximumSeconds?: number;
  /** Waits; for those who want to show it. Its rejection (such as the signal's reason) is the request's. */
  readonly wait?: (seconds: number, refusal: Response, signal: AbortSignal) => Promise<void>;
  /** Sends; the platform's unless set. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/**
 * A `fetch` for `createWatchlistClient` that waits as `Retry-After` says and sends again. What is over a limit (429) has not
 * been begun, whatever its method. Of other refusals that is not certain: only what reads is sent again.
 */
export function honourRetryAfter({
  retries = 3,
  maximumSeconds = 120,
  wait = sleep,
  fetch = (request) => globalThis.fetch(request),
}: RetryAfterOptions = {}): (request: Request) => Promise<Response> {
  return async (request) => {
    for (let left = retries; ; left--) {
      // A body can be read once: what may have to be sent again is a copy.
      const response = await fetch(left > 0 ? request.clone() : request);
      const seconds = secondsToWait(request, response);
      if (seconds === undefined || seconds > maximumSeconds || left <= 0) return response;
      // Otherwise the connection would be waiting for its reader.
      await response.arrayBuffer();
      await wait(seconds, response, request.signal);
    }
  };
}

function secondsToWait({ method }: Request, response: Response): number | undefined {
  const isSafe = response.status === 429 || (!response.ok && (method === 'GET' || method === 'HEAD'));
  return isSafe ? retryAfterOf(response) : undefined;
}

function sleep(seconds: number, _refusal: Response, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, seconds * 1000);
    function abort() {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal.addEventListener('abort', abort, { once: true });
  });
}
