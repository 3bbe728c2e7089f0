import { Body, Controller, Module, Post } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import { pino } from 'pino';
import { parseEnv } from '../../config/env.js';
import { MalformedJsonError } from '../errors/common.errors.js';
import { ProblemFilter } from '../errors/problem.filter.js';
import { AcceptsBody, parseJsonObject } from './json-body.js';
import { createHttpAdapter } from './server.js';

const parse = (text: string) => parseJsonObject(Buffer.from(text));

/** Null when it was refused as it should be; anything else that is thrown fails the test. */
function parsed(body: Buffer): Record<string, unknown> | null {
  try {
    return parseJsonObject(body);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedJsonError);
    return null;
  }
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

function depthOf(value: unknown): number {
  return isContainer(value) ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
}

function has(value: unknown, key: string): boolean {
  return (
    isContainer(value) && (Object.hasOwn(value, key) || Object.values(value).some((each) => has(each, key)))
  );
}

describe(parseJsonObject.name, () => {
  it.each([
    ['{}', {}],
    ['', {}],
    [' \t\r\n{ "a" : 1 }\n', { a: 1 }],
    ['{"a":[1,-2.5e3,true,null,"b"],"c":{"d":{}}}', { a: [1, -2500, true, null, 'b'], c: { d: {} } }],
    ['{"a":"}]{[,\\"\\\\"}', { a: '}]{[,"\\' }],
    ['{"\\u0061":"\\ud83c\\udfac"}', { a: '🎬' }],
    ['{"a":"\\u0000\\ud800"}', { a: '\0\ud800' }],
    ['\ufeff{"a":1}', { a: 1 }],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"constructor":1,"prototype":2}', { constructor: 1, prototype: 2 }],
  ])('reads %j', (text, value) => {
    expect(parse(text)).toEqual(value);
  });

  it.each([
    ...[
      'null',
      'true',
      '1',
      '"a"',
      '[]',
      '[{}]',
      'undefined',
      'NaN',
      ' ',
      '\ufeff',
      '{',
      '}',
      '{]',
      '{}{}',
      '{} x',
    ],
    ...[
      "{'a':1}",
      '{a:1}',
      '{"a":1,}',
      '{"a":01}',
      '{"a":.5}',
      '{"a":+1}',
      '{"a":0x1}',
      '{"a":"\n"}',
      '{"a":"\\x"}',
    ],
    ...['{"a":"\\ud8"}', '{"a"', '{"a":"', '{"a":"\\', '// {}', '{}/**/', ']'.repeat(99) + '['.repeat(99)],
    ...[
      '{"__proto__":1}',
      '{"a":[{"__proto__":null}]}',
      '{"\\u005f\\u005fproto__":{}}',
      '{"__proto__":1,"__proto__":2}',
    ],
  ])('refuses %s', (text) => {
    expect(() => parse(text)).toThrow(MalformedJsonError);
  });

  it.each(['ff', 'c080', 'eda080', 'f4908080', 'e282', '80'])('refuses the bytes %s', (bytes) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes, 'hex'), Buffer.from('"}')]);
    expect(() => parseJsonObject(body)).toThrow(new MalformedJsonError('The body is not valid UTF-8.'));
  });

  it('reads 8 levels and refuses 9', () => {
    const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${']}'.repeat(depth / 2)}`;
    expect(depthOf(parse(nested(8)))).toBe(8);
    expect(() => parse(nested(10))).toThrow(/deeper than 8/);
    expect(() => parse(`${'{"a":'.repeat(9)}0${'}'.repeat(9)}`)).toThrow(/deeper than 8/);
  });

  it('is not misled by what stands in strings', () => {
    const text = '{"a":"' + '[{,'.repeat(2000) + '\\"' + '[{,'.repeat(2000) + '\\\\"}';
    expect(parse(text)).toEqual({ a: `${'[{,'.repeat(2000)}"${'[{,'.repeat(2000)}\\` });
  });

  it('gives back any JSON value, or refuses it for what it is', () => {
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 12 }),
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 10 })),
      fc.dictionary(fc.constantFrom('__proto__', 'a', 'constructor'), fc.jsonValue({ maxDepth: 4 })),
    );
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const expected: unknown = JSON.parse(text);
        const result = parsed(Buffer.from(text));
        const isObject = isContainer(expected) && !Array.isArray(expected);
        const isAcceptable = isObject && depthOf(expected) <= 8 && !has(expected, '__proto__');
        expect(result).toEqual(isAcceptable ? expected : null);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws anything else, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc
        .array(fc.constantFrom(...'{}[]",:\\0ea.- \n', '"a"', '"__proto__"', 'null', 'true', '\\u', 'é'), {
          maxLength: 60,
        })
        .map((parts) => Buffer.from(`{"a":${parts.join('')}}`)),
    );
    fc.assert(
      fc.property(bytes, (body) => {
        const result = parsed(body);
        if (result === null || body.length === 0) return;
        expect(result).toEqual(JSON.parse(body.toString().replace(/^\ufeff/, '')));
      }),
      { numRuns: 2000 },
    );
  });
});

describe(AcceptsBody.name, () => {
  @Controller()
  class TestController {
    @Post('default')
    byDefault(@Body() body: unknown): unknown {
      return body;
    }

    @Post('large')
    @AcceptsBody({ maximumBytes: 20_000, types: ['application/json', 'application/merge-patch+json'] })
    large(@Body() body: unknown): unknown {
      return body;
    }
  }

  @Module({
    controllers: [TestController],
    providers: [{ provide: APP_FILTER, useClass: ProblemFilter }],
  })
  class TestModule {}

  let app: NestFastifyApplication;
  beforeAll(async () => {
    const env = parseEnv({
      JWT_SECRET: 'qN7vWz2XcY5uT8rEaK1mPdG4hJ6sLbF9',
      // A busy machine is no reason to refuse a request here.
      MAX_EVENT_LOOP_DELAY_MS: '0',
    });
    app = await NestFactory.create<NestFastifyApplication>(
      TestModule,
      await createHttpAdapter(env, pino({ enabled: false }), null),
      {
        bodyParser: false,
        logger: false,
      },
    );
    await app.init();
  });
  afterAll(() => app.close());

  const post = (url: string, bytes: number, type = 'application/json') =>
    app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload: '{}'.padEnd(bytes) });

  it('lets one route take a larger body, up to a limit of its own', async () => {
    expect((await post('/large', 20_000)).statusCode).toBe(201);
    const refused = await post('/large', 20_001);
    expect(refused.json()).toMatchObject({ status: 413, detail: 'The body has more than 20000 bytes.' });
    expect((await post('/default', 20_000)).json()).toMatchObject({
      status: 413,
      detail: 'The body has more than 16384 bytes.',
    });
  });

  it('lets one route take other media types, which every other route refuses', async () => {
    expect((await post('/large', 2, 'Application/Merge-Patch+JSON; charset=utf-8')).statusCode).toBe(201);
    expect((await post('/default', 2, 'application/merge-patch+json')).json()).toMatchObject({ status: 415 });
    const refused = await post('/large', 2, 'text/csv');
    expect(refused.json()).toMatchObject({ status: 415 });
  });
});
