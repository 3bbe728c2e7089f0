import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { Logger } from '@nestjs/common';
import { fastify } from 'fastify';
import { symbols } from 'pino';
import { parseEnv } from '../../../config/env.js';
import { DependencyDownError } from '../../errors/common.errors.js';
import { createLogger, logRequests, PinoLoggerService } from './logger.js';
import { requestContext } from '../../http/request-context.js';

const JWT_SECRET = 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1';

/** Everything that was written, as it was and parsed. */
function written(env: Record<string, string> = {}) {
  const lines: string[] = [];
  const logger = createLogger(parseEnv({ JWT_SECRET, ...env }), { write: (line) => lines.push(line) });
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe(createLogger.name, () => {
  it('writes one JSON object a line: level, time, message and what else there is to say', () => {
    const { logger, lines, parsed } = written();
    logger.info({ items: 3 }, 'two\nlines');
    logger.warn('careful');
    expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(parsed()).toEqual([
      { level: 'info', time: TIME, items: 3, msg: 'two\nlines' },
      { level: 'warn', time: TIME, msg: 'careful' },
    ]);
  });

  it.each([
    ['silent', 0],
    ['error', 1],
    ['info', 3],
    ['trace', 5],
  ])('writes as much as LOG_LEVEL=%s lets through', (LOG_LEVEL, count) => {
    const { logger, lines } = written({ LOG_LEVEL });
    for (const level of ['error', 'warn', 'info', 'debug', 'trace'] as const) logger[level]('x');
    expect(lines).toHaveLength(count);
  });

  it('names the request on whose behalf something happens, and none where there is none', async () => {
    const { logger, parsed } = written();
    logger.info('before');
    await requestContext.run({ requestId: 'request-1', address: '::1' }, async () => {
      await Promise.resolve();
      logger.info('within');
      logger.info({ request_id: 'request-0' }, 'about another one');
    });
    expect(parsed().map(({ msg, request_id }) => [msg, request_id])).toEqual([
      ['before', undefined],
      ['within', 'request-1'],
      ['about another one', 'request-0'],
    ]);
  });

  it('says of an error and its causes where they come from, not what they carry', () => {
    const { logger, lines, parsed } = written();
    const cause = Object.assign(new Error('disk full'), {
      name: 'QueryFailedError',
      code: 'SQLITE_FULL',
      parameters: ['ada@example.com', '$2b$10$hash'],
      driverError: Object.assign(new Error('disk full'), { detail: 'Key (email)=(ada@example.com)' }),
    });
    logger.error({ err: new DependencyDownError('database', cause) }, 'request failed');
    expect(parsed()).toEqual([
      {
        level: 'error',
        time: TIME,
        msg: 'request failed',
        err: {
          type: 'DependencyDownError',
          code: 'DEPENDENCY_DOWN',
          message: expect.any(String),
          stack: expect.stringContaining('logger.spec'),
          cause: expect.objectContaining({
            type: 'QueryFailedError',
            code: 'SQLITE_FULL',
            message: 'disk full',
          }),
        },
      },
    ]);
    for (const secret of ['ada@example.com', '$2b$']) expect(lines.join()).not.toContain(secret);
  });

  it.each([
    ['readable on a terminal in development', 'development', true, false],
    ['JSON in development when it goes elsewhere', 'development', false, true],
    ['JSON in production', 'production', true, true],
    ['JSON in tests', 'test', true, true],
  ])('is %s', async (_what, NODE_ENV, isTTY, isJson) => {
    const out = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY });
    createLogger(parseEnv({ JWT_SECRET, NODE_ENV }), out).info({ items: 3 }, 'hello');
    const [text] = (await once(out, 'data')) as [string];
    if (isJson) expect(JSON.parse(text)).toEqual({ level: 'info', time: TIME, items: 3, msg: 'hello' });
    else {
      expect(stripVTControlCharacters(text)).toMatch(/INFO.*: hello\n +items: 3\n/);
      expect(stripVTControlCharacters(text)).not.toBe(text);
    }
  });

  it('writes to stdout when it is not told where', () => {
    const logger = createLogger(parseEnv({ JWT_SECRET, LOG_LEVEL: 'silent' }));
    expect((logger as unknown as Record<symbol, { fd?: number }>)[symbols.streamSym]!.fd).toBe(1);
  });
});

describe(PinoLoggerService.name, () => {
  function asNest() {
    const { logger, parsed } = written({ LOG_LEVEL: 'trace' });
    return {
      service: new PinoLoggerService(logger),
      parsed: () => parsed().map(({ time: _time, ...line }) => line),
    };
  }

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
    service[method]('nobody in particular');
    expect(parsed()).toEqual([
      { level, context: 'Database', msg: 'hello' },
      { level, msg: 'nobody in particular' },
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

describe(logRequests.name, () => {
  it('writes one line per answer: the template of the route, never the path or the query as they came', async () => {
    const { logger, parsed } = written();
    const server = fastify({ genReqId: () => 'request-1' });
    logRequests(server, logger);
    server.get('/users/:email', (request, reply) => {
      Object.assign(request, { user: { id: 7 } });
      return reply.code(418).send('short and stout');
    });
    server.get('/public', () => 'hello');
    await server.inject('/users/ada@example.com?token=sesame');
    await server.inject('/public');
    await server.inject('/nowhere/ada@example.com');
    await server.close();
    const line = {
      level: 'info',
      time: TIME,
      msg: 'request',
      request_id: 'request-1',
      method: 'GET',
      duration_ms: expect.any(Number),
      address: '127.0.0.1',
    };
    expect(parsed()).toEqual([
      { ...line, route: '/users/:email', status: 418, user_id: 7 },
      { ...line, route: '/public', status: 200, user_id: null },
      { ...line, route: null, status: 404, user_id: null },
    ]);
  });
});
