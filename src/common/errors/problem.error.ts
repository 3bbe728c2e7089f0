import { STATUS_CODES } from 'node:http';

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** RFC 9457 with the extension members `code`, `request_id` and, for 422, `errors`. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly instance: string;
  readonly errors?: readonly FieldError[];
  readonly existing_item_id?: number;
  readonly existing_item_deleted?: boolean;
}

/** The members that only some problems have. */
type Details = Pick<ProblemDocument, 'errors' | 'existing_item_id' | 'existing_item_deleted'>;

/** RFC 9110 renamed these two. Node still has the old names. */
const TITLES: Record<number, string> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

/**
 * An error that the client can see. Each feature's errors extend it and know their own status and code.
 * Every other error becomes a 500 `INTERNAL`, and only the log has its cause.
 */
export class ProblemError extends Error {
  readonly headers: Readonly<Record<string, string>> = {};
  readonly details: Details;

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    options?: { cause?: unknown; headers?: Record<string, string>; details?: Details },
  ) {
    super(detail, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    if (options?.headers) this.headers = options.headers;
    this.details = options?.details ?? {};
  }

  toDocument(requestId: string, instance: string): ProblemDocument {
    return {
      type: `urn:watchlist:problem:${this.code.toLowerCase().replaceAll('_', '-')}`,
      title: TITLES[this.status] ?? STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      code: this.code,
      request_id: requestId,
      instance,
      ...this.details,
    };
  }
}
