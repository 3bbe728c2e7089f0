import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { parseEnv } from '../../../config/env.js';
import { DependencyDownError } from '../../errors/common.errors.js';
import { requestContext } from '../../http/request-context.js';
import { createLogger } from './logger.js';

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
});
