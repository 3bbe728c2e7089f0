import { isIP } from 'node:net';
import { z } from 'zod';
import {
  commaSeparated,
  database,
  isMailServer,
  isOrigin,
  mailAddress,
  noneOrSome,
  oneOf,
  origins,
  rateLimit,
  trustedProxies,
  url,
  wholeNumber,
} from './env-fields.js';
import { InvalidEnvironmentError } from './errors.js';
import { warningsOfNearMisses } from './near-misses.js';
import { isRedisUrl } from './url-rules.js';
import { type JwtKey, jwtKeys } from './jwt-keys.js';

const otlpProtocol = oneOf('http/protobuf', 'http/json', 'grpc').optional();

/**
 * OpenTelemetry's SDK reads these by itself (common/tracing). Where it would go on with less than it was asked for, the
 * boot stops instead.
 */
const OPEN_TELEMETRY = {
  OTEL_SDK_DISABLED: z
    .string()
    .regex(/^(true|false)$/i, 'must be true or false')
    .transform((text) => text.toLowerCase() === 'true')
    .default(false),
  OTEL_TRACES_EXPORTER: noneOrSome('otlp', 'console', 'zipkin').optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:').optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url('http:', 'https:').optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: otlpProtocol,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: otlpProtocol,
  OTEL_SERVICE_NAME: z.string().default('watchlist-api'),
  OTEL_TRACES_SAMPLER: oneOf(
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0|1|0?\.\d{1,9}|1\.0{1,9})$/, 'must be a number from 0 to 1')
    .transform(Number)
    .default(1),
  OTEL_PROPAGATORS: noneOrSome('tracecontext', 'baggage', 'b3', 'b3multi', 'jaeger').default([
    'tracecontext',
    'baggage',
  ]),
};

const LOCAL_ORIGINS = [3000, 8501].flatMap((port) => [
  `http://localhost:${port}`,
  `http://127.0.0.1:${port}`,
]);

const schema = z
  .object({
    NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
    HOST: z
      .string()
      .regex(/^[\w.:%-]+$/, 'must be an address or a host name')
      .refine(
        (host) => isIP(host) > 0 || !/(^|\.)(0x[\da-f]*|\d+)\.?$/i.test(host),
        'must have all four parts of an IPv4 address',
      )
      .default('0.0.0.0'),
    PORT: wholeNumber(0, 65535).default(8000),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    DATABASE_URL: database.default({ type: 'sqlite', file: './data/watchlist.db' }),
    REDIS_URL: url('redis:', 'rediss:')
      .refine(
        isRedisUrl,
        'must be redis://user:password@host:port/database: a number, and no option but family=4, 6 or 0',
      )
      .optional(),
    REDIS_COMMAND_TIMEOUT_MS: wholeNumber(10, 10_000).default(200),
    JWT_ALG: z.literal('HS256', 'may only be HS256').default('HS256'),
    JWT_SECRET: z.string().optional(),
    JWT_SECRET_FILE: z.string().optional(),
    JWT_SECRETS_OLD: commaSeparated.default([]),
    JWT_EXPIRE_MINUTES: wholeNumber(1, 525_600).default(60),
    REFRESH_EXPIRE_DAYS: wholeNumber(1, 3650).default(30),
    REFRESH_IDLE_DAYS: wholeNumber(1, 3650).default(7),
    ADMIN_EMAIL: z.string().optional(),
    ADMIN_PASSWORD: z.string().optional(),
    BCRYPT_COST: wholeNumber(10, 14).default(12),
    PASSWORD_PEPPER: z.string().min(16, 'must have at least 16 characters').optional(),
    CACHE_TTL_SECONDS: wholeNumber(0, 86_400).default(30),
    CACHE_MEMORY_BYTES: wholeNumber(0, 1_073_741_824).default(33_554_432),
    RATE_LIMIT_LOGIN: rateLimit.default({ limit: 5, windowSeconds: 60 }),
    RATE_LIMIT_REGISTER: rateLimit.default({ limit: 10, windowSeconds: 60 }),
    RATE_LIMIT_LIST: rateLimit.default({ limit: 240, windowSeconds: 60 }),
    RATE_LIMIT_WRITE: rateLimit.default({ limit: 120, windowSeconds: 60 }),
    RATE_LIMIT_DEFAULT: rateLimit.default({ limit: 300, windowSeconds: 60 }),
    RATE_LIMIT_ADDRESS: rateLimit.default({ limit: 1200, windowSeconds: 60 }),
    LOGIN_LOCKOUT: rateLimit.default({ limit: 5, windowSeconds: 900 }),
    TRUST_PROXY: trustedProxies.default([]),
    CORS_ORIGINS: origins.default(LOCAL_ORIGINS),
    KEEP_ALIVE_SECONDS: wholeNumber(1, 3600).default(72),
    MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(0, 10_000).default(512),
    HSTS_INCLUDE_SUBDOMAINS: oneOf('true', 'false')
      .transform((text) => text === 'true')
      .default(false),
    BODY_LIMIT: wholeNumber(1024, 1_048_576).default(16_384),
    MAX_EVENT_LOOP_DELAY_MS: wholeNumber(0, 60_000).default(1000),
    REGISTRATION: z.enum(['open', 'closed']).default('open'),
    PUBLIC_URL: url('http:', 'https:')
      .refine(
        isOrigin,
        'must be an origin such as https://watchlist.example.com (lower case, no path, no trailing slash, no default port)',
      )
      .optional(),
    SMTP_URL: url('smtp:', 'smtps:')
      .refine(isMailServer, 'must be smtp://host or smtps://user:password@host:port, with nothing behind it')
      .optional(),
    MAIL_FROM: mailAddress.optional(),
    GITHUB_API_URL: url('http:', 'https:').default('https://api.github.com'),
    METRICS_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]{16,}$/, 'must have at least 16 characters, none of them a space or beyond ASCII')
      .optional(),
    METRICS_PORT: wholeNumber(1, 65535).optional(),
    AUDIT_WEBHOOK_URL: url('http:', 'https:').optional(),
    AUDIT_WEBHOOK_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
    TRASH_RETENTION_DAYS: wholeNumber(1, 36_500).default(30),
    AUDIT_RETENTION_DAYS: wholeNumber(0, 36_500).default(0),
    ...OPEN_TELEMETRY,
  })
  .superRefine((values, context) => {
    const together = (a: keyof typeof values, b: keyof typeof values) => {
      if ((values[a] === undefined) !== (values[b] === undefined)) {
        context.addIssue({ code: 'custom', path: [a], message: `goes with ${b}: set both or neither` });
      }
    };
    together('ADMIN_EMAIL', 'ADMIN_PASSWORD');
    if (values.AUDIT_WEBHOOK_URL !== undefined && values.AUDIT_WEBHOOK_SECRET === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['AUDIT_WEBHOOK_SECRET'],
        message: 'is required with AUDIT_WEBHOOK_URL',
      });
    }
    if (values.METRICS_PORT === values.PORT) {
      context.addIssue({
        code: 'custom',
        path: ['METRICS_PORT'],
        message: 'must not be PORT: to serve metrics there, set METRICS_TOKEN instead',
      });
    }
    for (const needed of ['PUBLIC_URL', 'MAIL_FROM'] as const) {
      if (values.SMTP_URL !== undefined && values[needed] === undefined) {
        context.addIssue({ code: 'custom', path: [needed], message: 'is required with SMTP_URL' });
      }
    }
  });

/** The rule of the one variable that commands need. */
export const { DATABASE_URL } = schema.shape;

type Values = z.output<typeof schema>;

export const ENV_VARIABLES = Object.keys(schema.shape) as readonly (keyof Values)[];

/** Everything the server can be told, typed; frozen at boot. */
export interface Env extends Omit<Values, 'JWT_SECRET' | 'JWT_SECRETS_OLD' | 'JWT_SECRET_FILE' | 'JWT_ALG'> {
  /** The first signs; what any of them has signed is good. */
  readonly JWT_KEYS: readonly [JwtKey, ...JwtKey[]];
  /** Whether spans are to be made: OpenTelemetry's variables say where to. */
  readonly isTraced: boolean;
  /** Things to say once in the log, as soon as there is one. */
  readonly warnings: readonly string[];
}

export const ENV = Symbol('ENV');
/** docs/api.md and .env.example show this one, so every reader of them knows it. */
const DOCUMENTED_ADMIN_PASSWORD = 'for-local-use-only';

/** @throws InvalidEnvironmentError */
function checkAdminPassword({ NODE_ENV, HOST, ADMIN_PASSWORD }: Values, warnings: string[]): void {
  if (ADMIN_PASSWORD !== DOCUMENTED_ADMIN_PASSWORD) return;
  const problem = 'ADMIN_PASSWORD is the one from the documentation: choose your own.';
  if (NODE_ENV === 'production') throw new InvalidEnvironmentError([problem]);
  const isLoopback = HOST === 'localhost' || HOST === '::1' || HOST.startsWith('127.');
  if (!isLoopback) warnings.push(`${problem} Other machines can reach this server: HOST is ${HOST}.`);
}

function isTraced(values: Values): boolean {
  const { OTEL_SDK_DISABLED: isDisabled, OTEL_TRACES_EXPORTER: exporters } = values;
  if (isDisabled) return false;
  if (exporters !== undefined) return exporters.join() !== 'none';
  return (values.OTEL_EXPORTER_OTLP_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) !== undefined;
}

type Source = Readonly<Record<string, string | undefined>>;

/**
 * Checks every variable; an empty one counts as not set (Compose and Render pass empty strings).
 *
 * @throws InvalidEnvironmentError naming each variable that is not usable
 */
export function checked<Schema extends z.ZodType>(rules: Schema, source: Source): z.output<Schema> {
  const given = Object.fromEntries(
    Object.entries(source).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const result = rules.safeParse(given);
  if (result.success) return result.data;
  throw new InvalidEnvironmentError(
    result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`),
  );
}

/** The boot stops for an old name, because the server would ignore the value and run with the default. */
const RENAMED = { RATE_LIMIT_ACCOUNT: 'LOGIN_LOCKOUT' };

function refuseRenamed(source: Source): void {
  const problems = Object.entries(RENAMED)
    .filter(([old]) => source[old]?.trim())
    .map(([old, name]) => `${old} is now called ${name}: rename it`);
  if (problems.length > 0) throw new InvalidEnvironmentError(problems);
}

/** Render sets WEB_CONCURRENCY by itself, to the number of CPUs. */
function warningsOfUnread({ WEB_CONCURRENCY: processes = '' }: Source): string[] {
  if (['', '1'].includes(processes.trim())) return [];
  return [
    'WEB_CONCURRENCY is not read, because each container runs one process. To use more cores, run more replicas on PostgreSQL and Redis: docs/decisions/scaling.md says how.',
  ];
}

/** @throws InvalidEnvironmentError */
export function parseEnv(source: Source): Env {
  refuseRenamed(source);
  const values = checked(schema, source);
  const warnings = [...warningsOfUnread(source), ...warningsOfNearMisses(source, ENV_VARIABLES)];
  checkAdminPassword(values, warnings);
  const {
    JWT_SECRET: _secret,
    JWT_SECRETS_OLD: _old,
    JWT_SECRET_FILE: _file,
    JWT_ALG: _algorithm,
    ...rest
  } = values;
  return Object.freeze({
    ...rest,
    JWT_KEYS: jwtKeys(values, warnings),
    isTraced: isTraced(values),
    warnings,
  });
}
