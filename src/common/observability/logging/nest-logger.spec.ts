import { Logger } from '@nestjs/common';
import { parseEnv } from '../../../config/env.js';
import { createLogger } from './logger.js';
import { PinoLoggerService } from './nest-logger.js';

const JWT_SECRET = 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1';

describe(PinoLoggerService.name, () => {
  function asNest() {
    const lines: string[] = [];
    const logger = createLogger(parseEnv({ JWT_SECRET, LOG_LEVEL: 'trace' }), {
      write: (line) => lines.push(line),
    });
    return {
      service: new PinoLoggerService(logger),
      parsed: () =>
        lines.map((line) => {
          const { time: _time, ...rest } = JSON.parse(line) as Record<string, unknown>;
          return rest;
        }),
    };
  }

  it.each(['RoutesResolver', 'RouterExplorer'])('writes the routes of %s as debug', (context) => {
    const { service, parsed } = asNest();
    service.log('Mapped {/v1/watchlists, GET} route', context);
    expect(parsed()).toEqual([{ level: 'debug', context, msg: 'Mapped {/v1/watchlists, GET} route' }]);
  });

  it.each([
    ['log', 'info'],
    ['error', 'error'],
    ['warn', 'warn'],
    ['debug', 'debug'],
    ['verbose', 'trace'],
    ['fatal', 'fatal'],
  ] as const)('writes what Nest calls %s as %s, with its context', (method, level) => {
    const { service, parsed } = asNest();
    service[method]('hello', 'Database');
    service[method]('no context');
    expect(parsed()).toEqual([
      { level, context: 'Database', msg: 'hello' },
      { level, msg: 'no context' },
    ]);
  });

  it('takes an error as details, as the message, or as a stack', () => {
    const { service, parsed } = asNest();
    const error = new TypeError('oops');
    const err = { type: 'TypeError', message: 'oops', stack: error.stack };
    service.error('that failed', error, 'Database');
    service.error(error, 'Database');
    service.error('that failed', error.stack, 'Database');
    service.error({ msg: 'that failed', code: 7, err: error }, 'Database');
    expect(parsed()).toEqual([
      { level: 'error', context: 'Database', msg: 'that failed', err },
      { level: 'error', context: 'Database', msg: 'oops', err },
      { level: 'error', context: 'Database', msg: 'that failed', stack: error.stack },
      { level: 'error', context: 'Database', msg: 'that failed', code: 7, err },
    ]);
  });

  it('takes an object as fields, and anything else as text', () => {
    const { service, parsed } = asNest();
    service.log({ msg: 'audit', audit_id: 7 }, 'Audit');
    service.log('with details', { audit_id: 8 }, 'Audit');
    service.log(42);
    service.log(undefined);
    expect(parsed()).toEqual([
      { level: 'info', context: 'Audit', msg: 'audit', audit_id: 7 },
      { level: 'info', context: 'Audit', msg: 'with details', audit_id: 8 },
      { level: 'info', msg: '42' },
      { level: 'info', msg: 'undefined' },
    ]);
  });

  it("is what Nest's own loggers write to", () => {
    const { service, parsed } = asNest();
    Logger.overrideLogger(service);
    try {
      const logger = new Logger('Redis');
      logger.warn('not reachable');
      logger.error('oops', new Error('no').stack);
    } finally {
      Logger.overrideLogger(true);
    }
    expect(parsed()).toEqual([
      { level: 'warn', context: 'Redis', msg: 'not reachable' },
      { level: 'error', context: 'Redis', msg: 'oops', stack: expect.stringMatching(/^Error: no\n/) },
    ]);
  });
});
