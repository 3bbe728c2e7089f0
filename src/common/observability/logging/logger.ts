import { type DestinationStream, pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Env } from '../../../config/env.js';
import { requestContext } from '../../http/request-context.js';
import { tracing } from '../tracing/tracing.js';
import { openStdout } from './stdout.js';

/**
 * The log says where an error comes from, not what it carries. A database error holds the statement's parameters
 * (e-mail addresses, password hashes), an HTTP client's error holds the headers it sent.
 */
function described({ name, message, code, stack, cause }: Error & { code?: unknown }): object {
  return {
    type: name,
    message,
    ...(code !== undefined && { code }),
    stack,
    ...(cause instanceof Error && { cause: described(cause) }),
  };
}

/** Like pino's own, but formats a millisecond only once, because many lines share it under load. */
function isoTime(): () => string {
  let [at, text] = [NaN, ''];
  return () => {
    const now = Date.now();
    if (now !== at) [at, text] = [now, `,"time":"${new Date(now).toISOString()}"`];
    return text;
  };
}

/** One JSON line per event on stdout (readable lines in development), each with the ids of its request and trace. */
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
    serializers: { err: described },
  };
  if (env.NODE_ENV === 'development' && (destination ?? process.stdout).isTTY === true) {
    return pino(options, pretty({ colorize: true, sync: true, ...(destination && { destination }) }));
  }
  return pino(options, (destination as DestinationStream) ?? openStdout());
}
