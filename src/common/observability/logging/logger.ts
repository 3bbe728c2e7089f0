import { type DestinationStream, pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Env } from '../../../config/env.js';
import { requestContext } from '../../http/request-context.js';
import { tracing } from '../tracing/tracing.js';
import { openStdout } from './stdout.js';

/**
 * Logs where an error comes from, but not its other properties. A database error has the statement's parameters
 * (e-mail addresses, password hashes), and the error of an HTTP client has the headers that it sent.
 */
function serializeError({ name, message, code, stack, cause }: Error & { code?: unknown }): object {
  return {
    type: name,
    message,
    ...(code !== undefined && { code }),
    stack,
    ...(cause instanceof Error && { cause: serializeError(cause) }),
  };
}

/** Like pino's `isoTime`, but formats each millisecond once, because many lines share it under load. */
function isoTime(): () => string {
  let [at, text] = [NaN, ''];
  return () => {
    const now = Date.now();
    if (now !== at) [at, text] = [now, `,"time":"${new Date(now).toISOString()}"`];
    return text;
  };
}

/** Logs one JSON line per event to stdout, with the ids of the request and the trace. In development, readable lines. */
export function createLogger(
  env: Pick<Env, 'LOG_LEVEL' | 'NODE_ENV'>,
  destination?: DestinationStream & { isTTY?: boolean },
): Logger {
  const options = {
    level: env.LOG_LEVEL,
    base: null,
    timestamp: isoTime(),
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: () => {
      const context = requestContext.get();
      return context ? { request_id: context.requestId, ...tracing()?.requests.current() } : {};
    },
    serializers: { err: serializeError },
  };
  if (env.NODE_ENV === 'development' && (destination ?? process.stdout).isTTY === true) {
    return pino(options, pretty({ colorize: true, sync: true, ...(destination && { destination }) }));
  }
  return pino(options, (destination as DestinationStream) ?? openStdout());
}
