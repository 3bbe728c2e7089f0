import { transformFileSync } from '@swc/core';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv as parseEnvFile, promisify } from 'node:util';
import { ENV_VARIABLES, type Env, parseEnv } from './env.js';
import { InvalidEnvironmentError } from './errors.js';
import { loadDatabaseUrl, loadEnv } from './load-env.js';

const SECRET = 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1';
const PRODUCTION = { NODE_ENV: 'production', JWT_SECRET: SECRET };

/** The rule that the message names. It must not contain the value. */
function problemsOf(source: Record<string, string | undefined>): string {
  try {
    parseEnv(source);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidEnvironmentError);
    return (error as InvalidEnvironmentError).message;
  }
  throw new Error(`${JSON.stringify(source)} was accepted`);
}

const OLD_SECRETS = ['9cQ2kVbT4xRz7LmWp0SgHd5NyJfUa3Ee', 'Zr8nB1tYq6MvKw4DxGh3CsLp9JfTa7Uo'];
const parse = (source: Record<string, string> = {}) => parseEnv({ JWT_SECRET: SECRET, ...source });
const keyOf = ({ JWT_KEYS: [{ key }] }: Env) => key.export().toString();

const limit = (calls: number, windowSeconds: number) => ({ limit: calls, windowSeconds });
const sqlite = (file: string) => ({ type: 'sqlite', file });
const postgres = (url: string) => ({ type: 'postgres', url });
const LIMITS_ACCEPTED: [string, unknown][] = [
  ['0', null],
  ['1/1', limit(1, 1)],
  ['9999999/99999', limit(9_999_999, 99_999)],
];
const LIMITS_REFUSED = [
  '5',
  '5/0',
  '0/60',
  '/60',
  '5/',
  '5/60/1',
  '5 / 60',
  '-5/60',
  '1e3/60',
  '05/60',
  'off',
  '10000000/1',
];
const NOT_WHOLE_NUMBERS = ['1e3', '0x10', '+1', '01', '-1', '1.5', '1 ', 'one', '99999999999', 'Infinity'];
const NOT_WEB_ADDRESSES = [
  'example.com',
  'ftp://example.com',
  'http://',
  '//example.com',
  'redis://localhost',
  'http://h:0',
  'http://u:100%@h',
  'http://h/#x',
  'http://h/ x',
  'http://*.example.com',
];

interface Variable {
  /** As the environment has it; left out where the default depends on something else. */
  readonly default?: unknown;
  readonly accepted?: [string, unknown][];
  readonly refused?: string[];
}

/** Every variable of the server but the ones that make the signing key, which have tests of their own. */
const VARIABLES: Record<string, Variable> = {
  NODE_ENV: {
    default: 'development',
    accepted: [
      ['development', 'development'],
      ['production', 'production'],
      ['test', 'test'],
    ],
    refused: ['prod', 'Production', 'staging'],
  },
  HOST: {
    default: '0.0.0.0',
    accepted: ['127.0.0.1', '::', '::1', 'fe80::1%eth0', 'localhost', 'api-1.internal'].map((host) => [
      host,
      host,
    ]),
    refused: ['0', '127.1', '0x7f000001', '999.1.1.1', 'http://0.0.0.0', 'local host', '0.0.0.0/0', 'a,b'],
  },
  PORT: {
    default: 8000,
    accepted: [
      ['0', 0],
      ['1', 1],
      ['65535', 65_535],
    ],
    refused: ['65536', ...NOT_WHOLE_NUMBERS],
  },
  LOG_LEVEL: {
    default: 'info',
    accepted: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => [level, level]),
    refused: ['INFO', 'verbose', 'warning', '30'],
  },
  DATABASE_URL: {
    default: sqlite('./data/watchlist.db'),
    accepted: [
      ['sqlite:///./data/watchlist.db', sqlite('./data/watchlist.db')],
      ['sqlite:///watchlist.db', sqlite('watchlist.db')],
      ['sqlite:///../watchlist.db', sqlite('../watchlist.db')],
      ['sqlite:////var/lib/watchlist/watchlist.db', sqlite('/var/lib/watchlist/watchlist.db')],
      ['postgresql://ada:pw@db:5432/watchlist', postgres('postgresql://ada:pw@db:5432/watchlist')],
      [
        'postgres://ada:pw@db/watchlist?sslmode=require',
        postgres('postgres://ada:pw@db/watchlist?sslmode=require'),
      ],
      ...[
        'postgresql://ada:100%25@[::1]:5432/watchlist',
        'postgresql://ada:p%40ss%2F@db/my%20list',
        'postgresql://ada@%2Frun%2Fpostgresql/watchlist',
        'postgresql:///watchlist?host=/run/postgresql',
        'postgresql://db/watchlist?options=-c%20search_path%3Dx&sslmode=disable',
      ].map((url): [string, unknown] => [url, postgres(url)]),
    ],
    refused: [
      'sqlite:///:memory:',
      'sqlite://',
      'sqlite:///',
      'sqlite:watchlist.db',
      'sqlite://watchlist.db',
      './data/watchlist.db',
      'mysql://ada:pw@db/watchlist',
      'postgresql+asyncpg://ada:pw@db/watchlist',
      'postgresql://ada:pw@db:port/watchlist',
      'postgres:db',
      ...[
        'u:100%@h/d',
        'u:%ff@h/d',
        'u:a%00b@h/d',
        'u:1#w@h/d',
        'u:1/w@h/d',
        'u:a b@h/d',
        'h:0/d',
        'h:99999/d',
        'h/a%2Fb',
        'h/d/',
        'h/d%00',
        'a,b/d',
        'h/d?port=0',
        'h/d?port=x',
        'h/d?sslmode=nonsense',
        'h/d?sslmode=prefer',
        'h/d?ssl=false',
        'h/d?sslrootcert=/missing',
        'h/d?sslrootcert=/dev/null',
        'h/d?sslnegotiation=direct&sslmode=disable',
        'h/d?sslmode=require&sslmode=disable',
        'h/d?statement_timeout=0',
        'h/d?channel_binding=require',
        'h/d?schema=public',
        `h/d?host=/${'x'.repeat(108)}`,
      ].map((rest) => `postgresql://${rest}`),
    ],
  },
  REDIS_URL: {
    default: undefined,
    accepted: [
      'redis://localhost:6379',
      'redis://:pw@cache:6379/2',
      'rediss://ada:pw@cache:6380',
      'redis://[::1]:6379/0?family=6',
    ].map((url) => [url, url]),
    refused: [
      'redis://h/abc',
      'redis://h/-1',
      'redis://h/01',
      'redis://h/1/2',
      'redis:///0',
      'redis://h:0',
      'redis://h:99999',
      'redis://h?family=5',
      'redis://h?maxRetriesPerRequest=9',
      'redis://h?db=1',
      'redis://u:100%@h',
      'redis://h#1',
      'REDISS://h',
      'redis://a,b',
      ' redis://h',
      'localhost:6379',
      'http://localhost:6379',
      'redis',
      'redis:/x y://',
    ],
  },
  REFRESH_EXPIRE_DAYS: {
    default: 30,
    accepted: [
      ['1', 1],
      ['3650', 3650],
    ],
    refused: ['0', '3651', ...NOT_WHOLE_NUMBERS],
  },
  REFRESH_IDLE_DAYS: {
    default: 7,
    accepted: [
      ['1', 1],
      ['3650', 3650],
    ],
    refused: ['0', '3651', ...NOT_WHOLE_NUMBERS],
  },
  JWT_EXPIRE_MINUTES: {
    default: 60,
    accepted: [
      ['1', 1],
      ['525600', 525_600],
    ],
    refused: ['0', '525601', ...NOT_WHOLE_NUMBERS],
  },
  BCRYPT_COST: {
    default: 12,
    accepted: [
      ['10', 10],
      ['14', 14],
    ],
    refused: ['9', '15', '99', ...NOT_WHOLE_NUMBERS],
  },
  PASSWORD_PEPPER: {
    default: undefined,
    accepted: [['0123456789abcdef', '0123456789abcdef']],
    refused: ['0123456789abcde', 'salt'],
  },
  CACHE_TTL_SECONDS: {
    default: 30,
    accepted: [
      ['0', 0],
      ['86400', 86_400],
    ],
    refused: ['86401', ...NOT_WHOLE_NUMBERS],
  },
  CACHE_MEMORY_BYTES: {
    default: 33_554_432,
    accepted: [
      ['0', 0],
      ['1073741824', 1_073_741_824],
    ],
    refused: ['1073741825', ...NOT_WHOLE_NUMBERS],
  },
  // All rate limits share one parser, so the lists are tested with one of them.
  RATE_LIMIT_LOGIN: { default: limit(5, 60), accepted: LIMITS_ACCEPTED, refused: LIMITS_REFUSED },
  RATE_LIMIT_REGISTER: { default: limit(10, 60) },
  RATE_LIMIT_LIST: { default: limit(240, 60) },
  RATE_LIMIT_WRITE: { default: limit(120, 60) },
  RATE_LIMIT_DEFAULT: { default: limit(300, 60) },
  RATE_LIMIT_ADDRESS: { default: limit(1200, 60) },
  LOGIN_LOCKOUT: { default: limit(5, 900), accepted: LIMITS_ACCEPTED, refused: LIMITS_REFUSED },
  TRUST_PROXY: {
    default: [],
    accepted: [
      ['10.0.0.0/8', ['10.0.0.0/8']],
      [' loopback , linklocal,uniquelocal ', ['loopback', 'linklocal', 'uniquelocal']],
      ['192.0.2.7,2001:db8::/32,::1,', ['192.0.2.7', '2001:db8::/32', '::1']],
    ],
    refused: [
      'true',
      'false',
      '1',
      '2',
      '*',
      'all',
      'localhost',
      '10/8',
      '0x0a.0.0.0/8',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.256',
      '10.0.0.0/8,true',
      '0.0.0.0/0',
      '::/0',
      '::ffff:10.0.0.0/104',
      '::/129',
    ],
  },
  HSTS_INCLUDE_SUBDOMAINS: {
    default: false,
    accepted: [
      ['true', true],
      ['false', false],
    ],
    refused: ['TRUE', '1', 'yes', 'true '],
  },
  CORS_ORIGINS: {
    default: [
      'http://localhost:3000',
      'http://127.0.0.1:3000',
      'http://localhost:8501',
      'http://127.0.0.1:8501',
    ],
    accepted: [
      ['https://app.example.com', ['https://app.example.com']],
      ['capacitor://localhost,ionic://localhost', ['capacitor://localhost', 'ionic://localhost']],
      ['http://[::1]:3000', ['http://[::1]:3000']],
      [' https://a.example , http://b.example:8080,', ['https://a.example', 'http://b.example:8080']],
    ],
    refused: [
      '*',
      'null',
      'app.example.com',
      'https://a.example/',
      'https://a.example/app',
      'https://A.example',
      'https://*.example.com',
      'https://a.example:443',
      'https://a.example:0',
      'https://ada@a.example',
      'capacitor://localhost/',
      'Capacitor://localhost',
      'capacitor://LOCALHOST',
      'ws://a.example',
      'file://',
      'https://a.example,*',
    ],
  },
  KEEP_ALIVE_SECONDS: {
    default: 72,
    accepted: [
      ['1', 1],
      ['620', 620],
      ['3600', 3600],
    ],
    refused: ['0', '3601', '72s', ...NOT_WHOLE_NUMBERS],
  },
  MAX_CONNECTIONS_PER_ADDRESS: {
    default: 512,
    accepted: [
      ['0', 0],
      ['10000', 10_000],
    ],
    refused: ['10001', 'none', ...NOT_WHOLE_NUMBERS],
  },
  BODY_LIMIT: {
    default: 16_384,
    accepted: [
      ['1024', 1024],
      ['1048576', 1_048_576],
    ],
    refused: ['0', '1023', '1048577', '16k', ...NOT_WHOLE_NUMBERS],
  },
  REDIS_COMMAND_TIMEOUT_MS: {
    default: 200,
    accepted: [
      ['10', 10],
      ['10000', 10_000],
    ],
    refused: ['0', '9', '10001', ...NOT_WHOLE_NUMBERS],
  },
  MAX_EVENT_LOOP_DELAY_MS: {
    default: 1000,
    accepted: [
      ['0', 0],
      ['60000', 60_000],
    ],
    refused: ['60001', ...NOT_WHOLE_NUMBERS],
  },
  REGISTRATION: {
    default: 'open',
    accepted: [
      ['open', 'open'],
      ['closed', 'closed'],
    ],
    refused: ['Open', 'true', 'invitation'],
  },
  PUBLIC_URL: {
    default: undefined,
    accepted: ['https://watchlist.example.com', 'http://localhost:8000'].map((url) => [url, url]),
    refused: [
      ...NOT_WEB_ADDRESSES,
      'https://watchlist.example.com/',
      'https://watchlist.example.com/app',
      'https://watchlist.example.com?x',
      'https://watchlist.example.com#x',
      'https://ada@watchlist.example.com',
      'https://WATCHLIST.example.com',
      'https://watchlist.example.com:443',
      'https://*.example.com',
    ],
  },
  // Accepted values need other variables; they are tested below.
  SMTP_URL: {
    default: undefined,
    refused: [
      'mail.example.com',
      'http://mail.example.com',
      'smtp://',
      'smtp://mail.example.com/folder',
      'smtp://mail.example.com?logger=true',
      'smtp://mail.example.com?pool=true',
      'smtp://mail.example.com#x',
      'smtp://mail.example.com:port',
      'smtp://ada:%zz@mail.example.com',
      'smtp://ada@mail.example.com',
      'smtp://:pw@mail.example.com',
      'smtp://mail.example.com:0',
      'smtp://mail%2Eexample.com',
    ],
  },
  MAIL_FROM: {
    default: undefined,
    accepted: [
      ['no-reply@example.com', { name: '', address: 'no-reply@example.com' }],
      ['<no-reply@example.com>', { name: '', address: 'no-reply@example.com' }],
      [
        'Watchlist, Inc. <no-reply@example.com>',
        { name: 'Watchlist, Inc.', address: 'no-reply@example.com' },
      ],
    ],
    refused: [
      'Watchlist',
      'no-reply',
      '@example.com',
      'a@example.com, b@example.com',
      'Watchlist <a@example.com> <b@example.com>',
      'Watchlist\r\nBcc: b@example.com <a@example.com>',
      'a@example.com\nBcc: b@example.com',
    ],
  },
  GITHUB_API_URL: {
    default: 'https://api.github.com',
    accepted: [['http://127.0.0.1:9', 'http://127.0.0.1:9']],
    refused: NOT_WEB_ADDRESSES,
  },
  AUDIT_WEBHOOK_SECRET: {
    default: undefined,
    accepted: [['0123456789abcdef', '0123456789abcdef']],
    refused: ['0123456789abcde'],
  },
  TRASH_RETENTION_DAYS: {
    default: 30,
    accepted: [
      ['1', 1],
      ['36500', 36_500],
    ],
    refused: ['0', '36501', ...NOT_WHOLE_NUMBERS],
  },
  AUDIT_RETENTION_DAYS: {
    default: 0,
    accepted: [
      ['1', 1],
      ['36500', 36_500],
    ],
    refused: ['36501', ...NOT_WHOLE_NUMBERS],
  },
  METRICS_TOKEN: {
    default: undefined,
    accepted: [
      ['0123456789abcdef', '0123456789abcdef'],
      ['~!"/+=-_.{}0123456', '~!"/+=-_.{}0123456'],
    ],
    refused: ['0123456789abcde', '0123456789 abcdef', '0123456789abcdeé', '0123456789abcdef\n'],
  },
  METRICS_PORT: {
    default: undefined,
    accepted: [
      ['1', 1],
      ['65535', 65_535],
    ],
    refused: ['0', '65536', '8000', ...NOT_WHOLE_NUMBERS],
  },
  AUDIT_WEBHOOK_URL: { default: undefined, refused: NOT_WEB_ADDRESSES },
  OTEL_SDK_DISABLED: {
    default: false,
    accepted: [
      ['true', true],
      ['TRUE', true],
      ['false', false],
    ],
    refused: ['1', 'yes', 'on', 'true '],
  },
  OTEL_TRACES_EXPORTER: {
    default: undefined,
    accepted: [
      ['otlp', ['otlp']],
      ['none', ['none']],
      ['otlp, console', ['otlp', 'console']],
      ['zipkin', ['zipkin']],
    ],
    refused: ['jaeger', 'OTLP', 'none,otlp', 'otlp,prometheus', ','],
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    default: undefined,
    accepted: ['http://localhost:4318', 'https://collector.example.com/base'].map((url) => [url, url]),
    refused: ['localhost:4318', ...NOT_WEB_ADDRESSES],
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    default: undefined,
    accepted: [['http://localhost:4318/v1/traces', 'http://localhost:4318/v1/traces']],
    refused: ['localhost:4318', ...NOT_WEB_ADDRESSES],
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    default: undefined,
    accepted: ['http/protobuf', 'http/json', 'grpc'].map((protocol) => [protocol, protocol]),
    refused: ['http', 'HTTP/JSON', 'grpc/json', 'http/json '],
  },
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: {
    default: undefined,
    accepted: [['http/json', 'http/json']],
    refused: ['protobuf'],
  },
  OTEL_SERVICE_NAME: { default: 'watchlist-api', accepted: [['Watchlist (EU)', 'Watchlist (EU)']] },
  OTEL_TRACES_SAMPLER: {
    default: 'parentbased_always_on',
    accepted: ['always_off', 'traceidratio', 'parentbased_traceidratio'].map((sampler) => [sampler, sampler]),
    refused: ['ALWAYS_ON', 'jaeger_remote', '0.5'],
  },
  OTEL_TRACES_SAMPLER_ARG: {
    default: 1,
    accepted: [
      ['0', 0],
      ['0.25', 0.25],
      ['.5', 0.5],
      ['1.0', 1],
    ],
    refused: ['1.1', '-0.1', '2', '50%', '1e-3', '0x1', '.'],
  },
  OTEL_PROPAGATORS: {
    default: ['tracecontext', 'baggage'],
    accepted: [
      ['tracecontext', ['tracecontext']],
      ['b3multi, tracecontext', ['b3multi', 'tracecontext']],
      ['none', ['none']],
    ],
    refused: ['xray', 'none,b3', 'W3C'],
  },
  ADMIN_EMAIL: { default: undefined },
  ADMIN_PASSWORD: { default: undefined },
};

const NAMES = Object.keys(VARIABLES);

describe(parseEnv.name, () => {
  let folder: string;
  const outside = process.cwd();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-env-'));
    process.chdir(folder);
  });
  afterEach(() => {
    process.chdir(outside);
    rmSync(folder, { recursive: true });
  });

  it('is tested here with every variable that there is', () => {
    expect([...NAMES, 'JWT_ALG', 'JWT_SECRET', 'JWT_SECRETS_OLD', 'JWT_SECRET_FILE'].sort()).toEqual(
      [...ENV_VARIABLES].sort(),
    );
  });

  it('has the documented default for every variable that is not set, empty or blank', () => {
    const defaults = Object.fromEntries(NAMES.map((name) => [name, VARIABLES[name]!.default]));
    const settings = (env: Env) => Object.fromEntries(NAMES.map((name) => [name, env[name as keyof Env]]));
    expect(settings(parse())).toEqual(defaults);
    for (const nothing of ['', ' ', '\t\n']) {
      expect(settings(parse(Object.fromEntries(NAMES.map((name) => [name, nothing]))))).toEqual(defaults);
    }
  });

  it.each(NAMES.filter((name) => VARIABLES[name]!.accepted))('accepts valid values of %s', (name) => {
    for (const [text, value] of VARIABLES[name]!.accepted!) {
      expect([text, parse({ [name]: text })[name as keyof Env]]).toEqual([text, value]);
    }
  });

  it.each(NAMES.filter((name) => VARIABLES[name]!.refused))(
    'refuses other values of %s by its name',
    (name) => {
      for (const text of VARIABLES[name]!.refused!) {
        expect(problemsOf({ JWT_SECRET: SECRET, [name]: text })).toMatch(new RegExp(`^  - ${name} \\S`, 'm'));
      }
    },
  );

  it('names every variable that is wrong, one to a line', () => {
    expect(problemsOf({ PORT: 'x', BCRYPT_COST: '4', LOG_LEVEL: 'loud' }).split('\n')).toEqual([
      'The environment is not usable:',
      expect.stringMatching(/^ {2}- PORT must be /),
      expect.stringMatching(/^ {2}- LOG_LEVEL /),
      expect.stringMatching(/^ {2}- BCRYPT_COST must be /),
    ]);
  });

  describe('never repeats a value, which may be a secret that landed in the wrong variable', () => {
    const LEAK = 'sesame-4711';
    const wrong = (name: string) => {
      switch (name) {
        case 'HOST':
          return { HOST: `http://${LEAK}/` };
        case 'ADMIN_EMAIL':
        case 'ADMIN_PASSWORD':
        case 'AUDIT_WEBHOOK_URL':
          return { [name]: name === 'AUDIT_WEBHOOK_URL' ? `https://${LEAK}.example` : LEAK };
        case 'DATABASE_URL':
        case 'REDIS_URL':
          return { [name]: `mysql://root:${LEAK}@db/x` };
        case 'JWT_SECRET_FILE':
          return { NODE_ENV: 'development', JWT_SECRET: '', JWT_SECRET_FILE: `/dev/null/${LEAK}` };
        default:
          return { [name]: LEAK };
      }
    };

    // A name may be any.
    it.each(ENV_VARIABLES.filter((name) => name !== 'OTEL_SERVICE_NAME'))('%s', (name) => {
      const message = problemsOf({ JWT_SECRET: SECRET, ...wrong(name) });
      expect(message).toContain(name === 'AUDIT_WEBHOOK_URL' ? 'AUDIT_WEBHOOK_SECRET' : name);
      expect(message).not.toContain(LEAK);
    });
  });

  it.each([
    ['ADMIN_EMAIL', 'ADMIN_PASSWORD'],
    ['ADMIN_PASSWORD', 'ADMIN_EMAIL'],
  ])('wants both when %s is set', (given, missing) => {
    const message = problemsOf({ JWT_SECRET: SECRET, [given]: 'whatever@example.com' });
    expect(message).toContain(given);
    expect(message).toContain(missing);
    const both = { ADMIN_EMAIL: 'ada@example.com', ADMIN_PASSWORD: 'analytical engine' };
    expect(parse(both)).toMatchObject(both);
  });

  describe('the ADMIN_PASSWORD of the documentation', () => {
    const documented = (file: string) =>
      /ADMIN_PASSWORD=(\S+)/.exec(readFileSync(join(__dirname, '../..', file), 'utf8'))?.[1];
    const admin = { ADMIN_EMAIL: 'ada@example.com', ADMIN_PASSWORD: documented('docs/api.md')! };
    const MESSAGE = 'ADMIN_PASSWORD is the one from the documentation: choose your own.';

    it('stops the boot in production', () => {
      expect(documented('.env.example')).toBe(admin.ADMIN_PASSWORD);
      expect(problemsOf({ ...PRODUCTION, ...admin, JWT_SECRET: SECRET })).toContain(MESSAGE);
    });

    it.each(['0.0.0.0', '::', 'watchlist.local'])(
      'gives one warning outside production on HOST=%s, which other machines reach',
      (HOST) => {
        expect(parse({ ...admin, HOST }).warnings).toEqual([expect.stringContaining(MESSAGE)]);
      },
    );

    it.each(['127.0.0.1', '::1', 'localhost'])('gives no warning on HOST=%s', (HOST) => {
      expect(parse({ ...admin, HOST }).warnings).toEqual([]);
    });
  });

  it('wants a secret with the webhook', () => {
    const url = { AUDIT_WEBHOOK_URL: 'https://audit.example/hook' };
    expect(problemsOf({ JWT_SECRET: SECRET, ...url })).toContain(
      'AUDIT_WEBHOOK_SECRET is required with AUDIT_WEBHOOK_URL',
    );
    expect(parse({ ...url, AUDIT_WEBHOOK_SECRET: SECRET })).toMatchObject(url);
  });

  it('wants another port for the metrics than the one that everybody comes to', () => {
    const problem = /^ {2}- METRICS_PORT must not be PORT/m;
    expect(problemsOf({ JWT_SECRET: SECRET, PORT: '9464', METRICS_PORT: '9464' })).toMatch(problem);
    expect(parse({ PORT: '9464', METRICS_PORT: '8000' })).toMatchObject({ PORT: 9464, METRICS_PORT: 8000 });
    expect(parse({ PORT: '0', METRICS_PORT: '8000' })).toMatchObject({ PORT: 0, METRICS_PORT: 8000 });
  });

  describe('SMTP_URL', () => {
    const OTHERS = { PUBLIC_URL: 'https://watchlist.example.com', MAIL_FROM: 'no-reply@example.com' };

    it.each([
      'smtp://mail.example.com',
      'smtp://127.0.0.1:2525/',
      'smtp://[::1]:2525',
      'smtps://ada%40example.com:p%40ss@mail.example.com:465',
    ])('may be %s', (url) => {
      expect(parse({ ...OTHERS, SMTP_URL: url }).SMTP_URL).toBe(url);
    });

    it('wants to know who writes, and where links lead', () => {
      expect(problemsOf({ JWT_SECRET: SECRET, SMTP_URL: 'smtp://mail.example.com' }).split('\n')).toEqual([
        'The environment is not usable:',
        '  - PUBLIC_URL is required with SMTP_URL',
        '  - MAIL_FROM is required with SMTP_URL',
      ]);
      expect(parse(OTHERS)).toMatchObject({ PUBLIC_URL: OTHERS.PUBLIC_URL });
    });
  });

  describe('tracing', () => {
    const AT = 'http://collector:4318';

    it.each([
      [{}, false],
      [{ OTEL_SERVICE_NAME: 'api', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, false],
      [{ OTEL_EXPORTER_OTLP_ENDPOINT: AT }, true],
      [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: AT }, true],
      [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
      [{ OTEL_TRACES_EXPORTER: 'none' }, false],
      [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: AT }, false],
      [{ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: AT }, false],
      [{ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' }, false],
      [{ OTEL_SDK_DISABLED: 'false', OTEL_EXPORTER_OTLP_ENDPOINT: AT }, true],
    ])('with %j is on: %s', (source: Record<string, string>, isTraced) => {
      expect(parse(source).isTraced).toBe(isTraced);
    });
  });

  describe('WEB_CONCURRENCY, which is not read', () => {
    it.each(['2', '0', 'many'])('gets one warning that names replicas when it is %s', (value) => {
      const { warnings, ...env } = parse({ WEB_CONCURRENCY: value });
      expect(warnings).toEqual([expect.stringMatching(/^WEB_CONCURRENCY .+ replicas.+docs\//)]);
      expect(env).not.toHaveProperty('WEB_CONCURRENCY');
    });

    it.each(['1', ' ', undefined])('gets no warning when it is %j', (value = '') => {
      expect(parse({ WEB_CONCURRENCY: value }).warnings).toEqual([]);
    });
  });

  it('stops and names the new name when a variable has its old one', () => {
    expect(problemsOf({ JWT_SECRET: SECRET, RATE_LIMIT_ACCOUNT: '3/600' })).toContain(
      'RATE_LIMIT_ACCOUNT is now called LOGIN_LOCKOUT: rename it',
    );
    expect(() => parseEnv({ JWT_SECRET: SECRET, RATE_LIMIT_ACCOUNT: '' })).not.toThrow();
  });

  describe('a name that is not read', () => {
    it.each([
      ['TRUST_PROXIES', 'TRUST_PROXY'],
      ['TRUSTED_PROXY', 'TRUST_PROXY'],
      ['JWT_SECERT', 'JWT_SECRET'],
      ['REDIS_URI', 'REDIS_URL'],
      ['CORS_ORIGIN', 'CORS_ORIGINS'],
      ['LOGLEVEL', 'LOG_LEVEL'],
      ['registration', 'REGISTRATION'],
      ['\uFEFFREGISTRATION', 'REGISTRATION'],
      ['WATCHLIST_PORT', 'PORT'],
      ['WATCHLIST_API_JWT_SECRET', 'JWT_SECRET'],
    ])('gets one warning when it is like one of ours: %s', (name, meant) => {
      expect(parse({ [name]: 'sesame-4711' }).warnings).toEqual([
        `${name.replace('\uFEFF', '')} is not read: did you mean ${meant}?`,
      ]);
    });

    it('gets no warning when hosts set it', () => {
      const common = Object.fromEntries(
        [
          'HOSTNAME HOME PATH USER TERM SHELL PWD LANG NODE_OPTIONS NODE_PATH NODE_VERSION NODE_EXTRA_CA_CERTS PGHOST',
          'npm_config_loglevel npm_package_name npm_lifecycle_event INIT_CWD POSTGRES_PASSWORD REDIS_HOST REDIS_TLS',
          'REDIS_PASSWORD REDIS_SERVICE_HOST REDIS_SERVICE_PORT WATCHLIST_SERVICE_HOST WATCHLIST_API_SERVICE_PORT',
          'WATCHLIST_API_PORT_8000_TCP_ADDR WATCHLIST_API_PORT_8000_TCP_PORT KUBERNETES_PORT KUBERNETES_SERVICE_HOST',
          'RENDER RENDER_SERVICE_ID RENDER_EXTERNAL_URL RENDER_EXTERNAL_HOSTNAME HTTP_PROXY NO_PROXY TZ CI',
          'OTEL_METRICS_EXPORTER OTEL_LOGS_EXPORTER OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
          'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT OTEL_EXPORTER_OTLP_LOGS_PROTOCOL OTEL_RESOURCE_ATTRIBUTES OTEL_BSP_SCHEDULE_DELAY',
        ]
          .join(' ')
          .split(' ')
          .map((name) => [name, 'x']),
      );
      expect(
        parse({ ...common, WATCHLIST_PORT: 'tcp://10.0.0.1:80', REDIS_PORT: 'tcp://10.0.0.2:6379' }).warnings,
      ).toEqual([]);
    });
  });

  it('lets variables of other programs pass', () => {
    expect(parse({ PATH: '/bin', WATCHLIST: 'x' })).not.toHaveProperty('PATH');
  });

  it('cannot be changed afterwards', () => {
    const env = parse() as { PORT: number };
    expect(() => (env.PORT = 1)).toThrow(TypeError);
  });

  it('understands a .env in the spelling of SQLAlchemy and PyJWT', () => {
    const env = parseEnv({
      DATABASE_URL: 'sqlite:///./data/watchlist.db',
      JWT_SECRET: 'change-me',
      JWT_ALG: 'HS256',
      JWT_EXPIRE_MINUTES: '60',
      REDIS_URL: 'redis://localhost:6379/0',
      CACHE_TTL_SECONDS: '30',
    });
    expect(env).toMatchObject({ DATABASE_URL: sqlite('./data/watchlist.db'), CACHE_TTL_SECONDS: 30 });
    expect(env.warnings).toHaveLength(1);
  });

  describe('the signing key', () => {
    it.each(['HS384', 'RS256', 'none', 'hs256'])('is for HS256 only: JWT_ALG=%s is refused', (algorithm) => {
      expect(problemsOf({ JWT_SECRET: SECRET, JWT_ALG: algorithm })).toContain('JWT_ALG may only be HS256');
      expect(() => parse({ JWT_ALG: 'HS256' })).not.toThrow();
    });

    it('is JWT_SECRET, which appears nowhere else in the result', () => {
      const env = parse();
      expect(keyOf(env)).toBe(SECRET);
      expect(env.JWT_KEYS[0].key.type).toBe('secret');
      expect(env).not.toHaveProperty('JWT_SECRET');
      expect(JSON.stringify(env)).not.toContain(SECRET);
      expect(env.warnings).toEqual([]);
      expect(existsSync('data')).toBe(false);
    });

    describe('has a name', () => {
      const idsOf = ({ JWT_KEYS: keys }: Env) => keys.map(({ id }) => id);

      it('that is the same everywhere, tells nothing of it, and is another one for another key', () => {
        const [id] = idsOf(parse()) as [string];
        expect(id).toMatch(/^[\w-]{12}$/);
        expect(idsOf(parse())).toEqual([id]);
        expect(SECRET).not.toContain(id);
        expect(idsOf(parse({ JWT_SECRET: OLD_SECRETS[0]! }))).not.toEqual([id]);
      });

      it('and is followed by those that only verify', () => {
        const env = parse({ JWT_SECRETS_OLD: OLD_SECRETS.join(' , ') });
        expect(env.JWT_KEYS.map(({ key }) => key.export().toString())).toEqual([SECRET, ...OLD_SECRETS]);
        expect(new Set(idsOf(env)).size).toBe(3);
        expect(env).not.toHaveProperty('JWT_SECRETS_OLD');
      });

      it.each([
        ['a short one', 'x'.repeat(31)],
        ['a good one and a short one', `${OLD_SECRETS[0]},short`],
        ['a placeholder', 'change-me-change-me-change-me-change-me'],
      ])('of which %s stops the boot, unnamed', (_what, old) => {
        const problems = problemsOf({ JWT_SECRET: SECRET, JWT_SECRETS_OLD: old });
        expect(problems).toContain('JWT_SECRETS_OLD must be');
        expect(problems).not.toContain(old);
      });
    });

    it.each([
      ['31 bytes', SECRET.slice(1)],
      ['16 characters of two bytes, less one', 'äöüßéèñçåøæœþðł'],
    ])('is refused with %s', (_what, secret) => {
      for (const NODE_ENV of ['development', 'test', 'production']) {
        expect(problemsOf({ NODE_ENV, JWT_SECRET: secret })).toContain(
          'JWT_SECRET must have at least 32 bytes',
        );
      }
    });

    it('counts bytes, not characters', () => {
      const secret = 'äöüßéèñçåøæœþðłđ';
      expect(keyOf(parse({ JWT_SECRET: secret }))).toBe(secret);
    });

    const PLACEHOLDERS = [
      'change-me',
      'changeme',
      'CHANGE_ME_TO_32_RANDOM_BYTES_PLEASE',
      'change-this-secret-in-production-please',
      'replace-me-with-a-long-random-string-0123',
      'your-secret-key-goes-here-0123456789abc',
      'super-secret-key-that-is-long-enough-0',
      'secret-key',
      'an-example-of-a-key-0123456789abcdefgh',
      'x'.repeat(64),
      '0123456012345601234560123456012345601234',
    ];

    it.each(PLACEHOLDERS)('refuses the placeholder %s in production', (placeholder) => {
      const message = problemsOf({ ...PRODUCTION, JWT_SECRET: placeholder });
      expect(message).toContain('JWT_SECRET is a known placeholder');
      expect(message).not.toContain(placeholder);
      expect(existsSync('data')).toBe(false);
    });

    it.each(PLACEHOLDERS)(
      'replaces the placeholder %s outside production, with one warning',
      (placeholder) => {
        const env = parseEnv({ JWT_SECRET: placeholder });
        expect(env.warnings).toEqual([expect.stringContaining('JWT_SECRET')]);
        expect(env.warnings[0]).not.toContain(placeholder);
        expect(keyOf(env)).toBe(readFileSync('data/jwt-secret', 'utf8'));
        expect(keyOf(env)).not.toContain(placeholder);
      },
    );

    it('must be given in production', () => {
      const message = problemsOf({ NODE_ENV: 'production' });
      expect(message).toContain('JWT_SECRET or JWT_SECRET_FILE must be set in production');
      expect(existsSync('data')).toBe(false);
    });

    it('may come from a file in production', () => {
      expect(keyOf(parseEnv({ NODE_ENV: 'production', JWT_SECRET_FILE: 'keys/jwt' }))).toBe(
        readFileSync('keys/jwt', 'utf8'),
      );
    });

    it('is made at the first start, for nobody else to read, and found again at the next', () => {
      const first = keyOf(parseEnv({}));
      expect(Buffer.byteLength(first)).toBeGreaterThanOrEqual(32);
      expect(Buffer.from(first, 'base64url')).toHaveLength(32);
      expect(statSync('data/jwt-secret').mode & 0o777).toBe(0o600);
      expect(keyOf(parseEnv({}))).toBe(first);
      rmSync('data', { recursive: true });
      expect(keyOf(parseEnv({}))).not.toBe(first);
    });

    it('leaves nothing but the file in its folder', () => {
      parseEnv({ JWT_SECRET_FILE: 'keys/jwt' });
      expect(readdirSync('keys')).toEqual(['jwt']);
    });

    it('does not touch the file when JWT_SECRET is set', () => {
      parse({ JWT_SECRET_FILE: 'keys/jwt' });
      expect(existsSync('keys')).toBe(false);
    });

    it('is read from a file without the line break at its end', () => {
      writeFileSync('jwt', `${SECRET}\n`);
      expect(keyOf(parseEnv({ JWT_SECRET_FILE: 'jwt' }))).toBe(SECRET);
    });

    it.each(['', 'too-short', SECRET.slice(1), `${SECRET.slice(1)}\n`])(
      'is refused from a file that holds %j',
      (content) => {
        writeFileSync('jwt', content);
        expect(problemsOf({ JWT_SECRET_FILE: 'jwt' })).toContain(
          'JWT_SECRET_FILE must hold at least 32 bytes',
        );
        expect(readFileSync('jwt', 'utf8')).toBe(content);
      },
    );

    it.each([
      ['in a folder that cannot be made', '/dev/null/keys/jwt'],
      ['in a folder that is a file', 'file/jwt'],
      ['that is a folder', 'folder'],
    ])('is refused from a file %s', (_what, file) => {
      writeFileSync('file', '');
      mkdirSync('folder');
      expect(problemsOf({ JWT_SECRET_FILE: file })).toMatch(
        /JWT_SECRET_FILE cannot be (created|read) \(E[A-Z]+\)/,
      );
    });

    it('is the same for all processes that start together', async () => {
      const rounds = 100;
      const startAt = Date.now() + 2000;
      const outputs = await Promise.all(
        Array.from({ length: 4 }, () => inProcessOfItsOwn(MAKE_KEYS, folder, `${startAt}`, `${rounds}`)),
      );
      const [keys, ...others] = outputs.map((output) => JSON.parse(output) as string[]);
      expect(new Set(keys).size).toBe(rounds);
      for (const other of others) expect(other).toEqual(keys);
      expect(readdirSync(folder)).toHaveLength(rounds);
    });
  });

  /** At the given moment makes the signing keys of many folders, one after the other, and says which. */
  const MAKE_KEYS = `
    const [startAt, rounds] = args;
    while (Date.now() < Number(startAt));
    const keyOf = (file) => env.parseEnv({ JWT_SECRET_FILE: file }).JWT_KEYS[0].key.export().toString();
    console.log(JSON.stringify(Array.from({ length: Number(rounds) }, (_, round) => keyOf('secret-' + round))));
  `;
});

/** Runs a script in a process of its own, in `folder`, with `env` (this folder's modules) and `args`; returns its output. */
async function inProcessOfItsOwn(script: string, folder: string, ...args: string[]): Promise<string> {
  const compiled = mkdtempSync(join(tmpdir(), 'watchlist-config-'));
  try {
    for (const name of [
      'errors',
      'url-rules',
      'env-fields',
      'env-file',
      'near-misses',
      'jwt-keys',
      'env',
      'load-env',
    ]) {
      const { code } = transformFileSync(join(__dirname, `${name}.ts`), { module: { type: 'commonjs' } });
      writeFileSync(join(compiled, `${name}.js`), code);
    }
    const load = `
      const [modules, folder, ...args] = process.argv.slice(1);
      const env = { ...require(modules + '/env.js'), ...require(modules + '/load-env.js') };
      process.chdir(folder);
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['-e', load + script, compiled, folder, ...args],
      {
        env: {
          PATH: process.env['PATH'],
          NODE_PATH: join(__dirname, '../../node_modules'),
          JWT_SECRET: '',
          PORT: '4711',
        },
      },
    );
    return stdout.trim();
  } finally {
    rmSync(compiled, { recursive: true });
  }
}

describe(loadEnv.name, () => {
  const PRINT = `
    try { const { PORT, HOST, LOG_LEVEL } = env.loadEnv(); console.log(PORT, HOST, LOG_LEVEL); }
    catch (error) { console.log(error.message); }
  `;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-env-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is what the process has been given', async () => {
    expect(await inProcessOfItsOwn(PRINT, folder)).toBe('4711 0.0.0.0 info');
  });

  it('takes from .env what the process has not been given', async () => {
    writeFileSync(join(folder, '.env'), "PORT=1\nexport HOST='127.0.0.1' # here only\nLOG_LEVEL=\n");
    expect(await inProcessOfItsOwn(PRINT, folder)).toBe('4711 127.0.0.1 info');
  });

  it.each([
    ['a byte order mark', '\uFEFFPORT=1\nHOST=127.0.0.1\n'],
    ['CRLF', 'LOG_LEVEL=info\r\nHOST=127.0.0.1\r\n'],
    ['CR', 'LOG_LEVEL=info\rHOST=127.0.0.1'],
    ['spaces', ' HOST = 127.0.0.1 # here only'],
  ])('reads a .env with %s', async (_what, text) => {
    writeFileSync(join(folder, '.env'), text);
    expect(await inProcessOfItsOwn(PRINT, folder)).toBe('4711 127.0.0.1 info');
  });

  it.each([
    ['no =', 'LOG_LEVEL debug', 'line 1'],
    ['a colon', 'LOG_LEVEL: debug', 'line 1'],
    ['a quote that is not closed', `LOG_LEVEL='info\nHOST=::1`, 'line 1'],
    ['text behind the quotes', `#\nLOG_LEVEL='info'x`, 'line 2'],
    ['# in a value', 'PASSWORD_PEPPER=0123456789#abcdefgh', 'line 1'],
    ['a name twice', 'LOG_LEVEL=info\nLOG_LEVEL=debug', 'line 2 sets LOG_LEVEL again'],
  ])('stops at a .env with %s and names the line', async (_what, text, problem) => {
    writeFileSync(join(folder, '.env'), text);
    const message = await inProcessOfItsOwn(PRINT, folder);
    expect(message).toContain(`.env ${problem}`);
    expect(message).not.toMatch(/abcdefgh/);
  });

  it('stops at a .env in UTF-16', async () => {
    writeFileSync(join(folder, '.env'), Buffer.from('\uFEFFLOG_LEVEL=debug\r\n', 'utf16le'));
    expect(await inProcessOfItsOwn(PRINT, folder)).toContain('UTF-8');
  });

  it('checks what .env says', async () => {
    writeFileSync(join(folder, '.env'), 'LOG_LEVEL=loud\n');
    expect(await inProcessOfItsOwn(PRINT, folder)).toContain('- LOG_LEVEL ');
  });

  it('stops at a .env that cannot be read', () => {
    const outside = process.cwd();
    mkdirSync(join(folder, '.env'));
    process.chdir(folder);
    try {
      expect(loadEnv).toThrow(
        new InvalidEnvironmentError(['.env cannot be read: it must be a file of NAME=value lines in UTF-8']),
      );
    } finally {
      process.chdir(outside);
    }
  });

  it('needs no .env', () => {
    process.env['PORT'] = '4712';
    process.env['JWT_SECRET'] = SECRET;
    try {
      expect(loadEnv().PORT).toBe(4712);
    } finally {
      delete process.env['PORT'];
      delete process.env['JWT_SECRET'];
    }
  });
});

describe(loadDatabaseUrl.name, () => {
  afterEach(() => {
    delete process.env['DATABASE_URL'];
  });

  it('needs nothing else: no secret, and no other variable that can be used', () => {
    process.env['DATABASE_URL'] = 'postgresql://db/watchlist';
    process.env['PORT'] = 'none';
    try {
      expect(loadDatabaseUrl()).toEqual({ type: 'postgres', url: 'postgresql://db/watchlist' });
    } finally {
      delete process.env['PORT'];
    }
  });

  it('has the default of the server', () => {
    expect(loadDatabaseUrl()).toEqual({ type: 'sqlite', file: './data/watchlist.db' });
  });

  it('checks what it is told', () => {
    process.env['DATABASE_URL'] = 'mysql://db';
    expect(loadDatabaseUrl).toThrow(InvalidEnvironmentError);
  });
});

describe('.env.example', () => {
  const text = readFileSync(join(__dirname, '../../.env.example'), 'utf8');
  const assignments = text.split('\n').filter((line) => /^(# )?[A-Z][A-Z_]+=/.test(line));

  it('names every variable of the server once, and no other', () => {
    const names = assignments.map((line) => line.replace(/^# /, '').split('=')[0]);
    expect(names.sort()).toEqual([...ENV_VARIABLES].sort());
  });

  it('can be used as it stands', () => {
    const values = parseEnvFile(text) as Record<string, string>;
    expect(() => parse(values)).not.toThrow();
  });

  it('states the defaults', () => {
    const shown = Object.fromEntries(
      assignments
        .filter((line) => line.startsWith('# '))
        .map((line) => line.slice(2).split(/=(.*)/s).slice(0, 2)),
    ) as Record<string, string>;
    const { JWT_SECRET_FILE, JWT_ALG, ADMIN_EMAIL: _email, ADMIN_PASSWORD: _password, ...others } = shown;
    expect({ JWT_SECRET_FILE, JWT_ALG }).toEqual({ JWT_SECRET_FILE: './data/jwt-secret', JWT_ALG: 'HS256' });
    const { JWT_KEYS: _keys, ...defaults } = parse();
    const { JWT_KEYS: _sameKeys, ...stated } = parse(others);
    expect(stated).toEqual(defaults);
  });
});
