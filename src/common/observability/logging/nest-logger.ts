import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/** Nest logs a line for each controller and each route. They matter only to somebody who looks for a route. */
const ROUTE_CONTEXTS = ['RoutesResolver', 'RouterExplorer'];

/** Sends Nest's log messages to pino, so that the log has one format. */
export class PinoLoggerService implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, ...rest: unknown[]) =>
    this.write(ROUTE_CONTEXTS.includes(rest.at(-1) as string) ? 'debug' : 'info', message, rest);
  error = (message: unknown, ...rest: unknown[]) => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]) => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]) => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]) => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.write('fatal', message, rest);

  /** Nest passes the context as the last string. Before it come details: an object, an error or a stack. */
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
