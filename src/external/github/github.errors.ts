import { ProblemError } from '../../common/errors/problem.error.js';

export class UpstreamError extends ProblemError {
  /** @param reason only for the log, because clients must not see the response of the other server */
  constructor(reason: string) {
    super(502, 'UPSTREAM_ERROR', 'The external API failed or sent an invalid response.', {
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
    super(504, 'UPSTREAM_TIMEOUT', 'The external API did not respond in time.');
  }
}
