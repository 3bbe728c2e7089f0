import { ProblemError } from '../../common/errors/problem.error.js';

export class UpstreamError extends ProblemError {
  /** @param reason for the log only: what the other side sent is not for our callers */
  constructor(reason: string) {
    super(502, 'UPSTREAM_ERROR', 'The external API failed or gave an answer that cannot be used.', {
      cause: new Error(reason),
    });
  }
}

export class UpstreamCircuitOpenError extends ProblemError {
  constructor(retryAfterSeconds: number) {
    super(
      502,
      'UPSTREAM_CIRCUIT_OPEN',
      `The external API failed repeatedly and is not being called; try again in ${retryAfterSeconds} s.`,
      { headers: { 'retry-after': String(retryAfterSeconds) } },
    );
  }
}

export class UpstreamTimeoutError extends ProblemError {
  constructor() {
    super(504, 'UPSTREAM_TIMEOUT', 'The external API did not answer in time.');
  }
}
