import { type FieldError, ProblemError } from './problem.error.js';

export class BadRequestError extends ProblemError {
  constructor(detail: string, cause?: unknown) {
    super(400, 'BAD_REQUEST', detail, { cause });
  }
}

export class MalformedJsonError extends ProblemError {
  constructor(detail: string) {
    super(400, 'MALFORMED_JSON', detail);
  }
}

export class NotFoundError extends ProblemError {
  constructor() {
    super(404, 'NOT_FOUND', 'No resource exists at this path.');
  }
}

export class MethodNotAllowedError extends ProblemError {
  constructor(method: string, allowed: readonly string[]) {
    super(405, 'METHOD_NOT_ALLOWED', `This path supports ${allowed.join(', ')}, not ${method}.`, {
      headers: { allow: allowed.join(', ') },
    });
  }
}

export class RequestTimeoutError extends ProblemError {
  constructor() {
    super(408, 'REQUEST_TIMEOUT', 'The request did not arrive in time.', {
      headers: { connection: 'close' },
    });
  }
}

export class PreconditionFailedError extends ProblemError {
  constructor() {
    super(412, 'PRECONDITION_FAILED', 'It has changed since the answer that If-Match names; read it again.');
  }
}

export class BodyTooLargeError extends ProblemError {
  constructor(limit: number) {
    super(413, 'BODY_TOO_LARGE', `The body has more than ${limit} bytes.`);
  }
}

export class UriTooLongError extends ProblemError {
  constructor(limit: number) {
    super(414, 'URI_TOO_LONG', `The path and query together have more than ${limit} characters.`);
  }
}

export class UnsupportedMediaTypeError extends ProblemError {
  constructor(accepted: readonly string[] = ['application/json']) {
    super(415, 'UNSUPPORTED_MEDIA_TYPE', `The body must be sent as ${accepted.join(' or ')}.`, {
      headers: { accept: accepted.join(', ') },
    });
  }
}

export class HeadersTooLargeError extends ProblemError {
  constructor() {
    super(431, 'HEADERS_TOO_LARGE', 'The request line and headers are too large.', {
      headers: { connection: 'close' },
    });
  }
}

export class ValidationFailedError extends ProblemError {
  constructor(errors: readonly FieldError[]) {
    const fields = [...new Set(errors.map((error) => error.field))];
    const named = fields.slice(0, 5).join(', ') + (fields.length > 5 ? ', …' : '');
    super(422, 'VALIDATION_FAILED', `Not valid: ${named}.`, { details: { errors } });
  }
}

export class RateLimitedError extends ProblemError {
  constructor(retryAfterSeconds: number) {
    super(429, 'RATE_LIMITED', `Too many requests; try again in ${retryAfterSeconds} s.`, {
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
}

export class InternalError extends ProblemError {
  constructor(cause: unknown) {
    super(500, 'INTERNAL', 'The server failed; its log has the cause under this request id.', {
      cause,
    });
  }
}

export class DependencyDownError extends ProblemError {
  constructor(dependency: string, cause?: unknown) {
    super(503, 'DEPENDENCY_DOWN', `The ${dependency} does not respond at the moment.`, {
      cause,
      headers: { 'retry-after': '1' },
    });
  }
}

export class OverloadedError extends ProblemError {
  constructor() {
    super(503, 'OVERLOADED', 'The server has more to do than it can; try again shortly.', {
      headers: { 'retry-after': '1' },
    });
  }
}

export class ShuttingDownError extends ProblemError {
  constructor() {
    super(503, 'SHUTTING_DOWN', 'The server is shutting down.', {
      headers: { 'retry-after': '5', connection: 'close' },
    });
  }
}
