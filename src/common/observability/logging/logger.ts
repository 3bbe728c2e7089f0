import type { LoggerService } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { type DestinationStream, pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Env } from '../../../config/env.js';
import { tracing } from '../tracing/tracing.js';
import type { HttpRequest } from '../../http/request.js';
import { requestContext } from '../../http/request-context.js';

/**
 * Of an error only where it comes from. What else it carries is not for the log: a database's error has the
 * statement's parameters (e-mail addresses, password hashes), an HTTP client's the headers that it sent.
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

/** As pino's own; under load a millisecond has more than one line, and the date is written out once. */
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
  const isTerminal = (destination ?? process.stdout).isTTY === true;
  if (env.NODE_ENV === 'development' && isTerminal) {
    return pino(options, pretty({ colorize: true, sync: true, ...(destination && { destination }) }));
  }
  // Some lines at a time: a system call for each would cost a request as much as its routing. The rest follows
  // within a second, and at exit.
  return pino(
    options,
    (destination as DestinationStream) ??
      pino.destination({ sync: false, minLength: 3072, periodicFlush: 1000 }),
  );
}

/** Nest's own logger, writing to ours: one stream, one format. */
export class PinoLoggerService implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, ...rest: unknown[]) => this.write('info', message, rest);
  error = (message: unknown, ...rest: unknown[]) => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]) => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]) => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]) => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.write('fatal', message, rest);

  /** Nest appends the context as the last string; what stands before it are details: an object, an error or a stack. */
  private write(
    level: 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = typeof rest.at(-1) === 'string' ? (rest.pop() as string) : undefined;
    const detail = rest[0];
    const fields = {
      ...(context && { context }),
      ...(detail instanceof Error
        ? { err: detail }
        : typeof detail === 'object'
          ? detail
          : detail && { stack: detail }),
    };
    if (message instanceof Error) this.logger[level]({ ...fields, err: message }, message.message);
    else if (typeof message === 'object') this.logger[level]({ ...fields, ...message });
    else this.logger[level](fields, String(message));
  }
}

/** One line per answered request: the route's template, never the raw path or query, which may hold an e-mail address. */
export function logRequests(instance: FastifyInstance, logger: Logger): void {
  instance.addHook('onResponse', (request, reply, done) => {
    const line = {
      request_id: request.id,
      method: request.method,
      route: request.is404 ? null : request.routeOptions.url,
      status: reply.statusCode,
      duration_ms: Math.round(reply.elapsedTime * 10) / 10,
      address: request.ip,
      user_id: (request as HttpRequest).user?.id ?? null,
    };
    const trace = tracing()?.requests.of(request);
    logger.info(trace === undefined ? line : { ...line, ...trace }, 'request');
    done();
  });
}
