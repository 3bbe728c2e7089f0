import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AsyncVariable } from '../async-variable.js';

/** The facts about the current request that the log, the audit log and rate limits need. */
export interface RequestContext {
  readonly requestId: string;
  /** The client's address. It comes from a forwarding header only if TRUST_PROXY lists the proxy. */
  readonly address: string;
}

/** Undefined outside of requests (boot, background jobs). */
export const requestContext = new AsyncVariable<RequestContext>();

const VALID_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** The client's `X-Request-ID` if it is safe in logs and headers, otherwise a new UUID. */
export function requestIdOf(message: Pick<IncomingMessage, 'headers'>): string {
  const given = message.headers['x-request-id'];
  return typeof given === 'string' && VALID_ID.test(given) ? given : randomUUID();
}
