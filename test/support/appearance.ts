import type { Response } from 'supertest';

/** Differ from one answer to the next whatever is asked: ids, dates and the count of calls. */
const INCIDENTAL = /^(x-request-id|date|(x-)?ratelimit.*)$/;

/**
 * Everything by which a caller could tell two answers apart. `instance` repeats the path that was asked for, and the
 * length goes with it.
 */
export function appearanceOf({ status, headers, body }: Response): object {
  const { request_id, instance, ...rest } = body as Record<string, unknown>;
  const { 'content-length': length, ...others } = headers as Record<string, string>;
  return {
    status,
    body: rest,
    members: Object.keys(body as object),
    headers: Object.fromEntries(Object.entries(others).filter(([name]) => !INCIDENTAL.test(name))),
    length: Number(length) - String(request_id).length - String(instance).length,
  };
}
