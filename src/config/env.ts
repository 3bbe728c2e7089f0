import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** At most `limit` calls in any window of `windowSeconds`; `null` in the environment's table means that the policy is off. */
export interface RateLimit {
  readonly limit: number;
  readonly windowSeconds: number;
}

/** The boot stops with this: it names the variable and the rule, never the value (which may be a secret). */
export class InvalidEnvironmentError extends Error {
  override readonly name = 'InvalidEnvironmentError';
  constructor(readonly problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,9})$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`);

/** `5/60`: five calls in any 60 seconds; `0`: no limit. */
const rateLimit = z
  .string()
  .regex(/^(0|[1-9]\d{0,6}\/[1-9]\d{0,4})$/, 'must be <calls>/<seconds>, such as 5/60, or 0 for no limit')
  .transform((text): RateLimit | null => {
    if (text === '0') return null;
    const [limit, windowSeconds] = text.split('/').map(Number) as [number, number];
    return { limit, windowSeconds };
  });

const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) =>
        /^[a-z]+:\/\/./i.test(text) && URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    );

export interface SqliteDatabase {
  readonly type: 'sqlite';
  /** Path of the file, relative to the working folder or absolute. */
  readonly file: string;
}
export interface PostgresDatabase {
  readonly type: 'postgres';
  readonly url: string;
}

/** SQLAlchemy's spelling, which the original's `.env` uses: three slashes for a relative path, four for an absolute one. */
const database = z.string().transform((text, context): SqliteDatabase | PostgresDatabase => {
  const file = /^sqlite:\/\/\/(.+)$/.exec(text)?.[1];
  if (file === ':memory:') {
    context.addIssue('must not be :memory: — the data would be gone at every restart; name a file');
    return z.NEVER;
  }
  if (file !== undefined) return { type: 'sqlite', file };
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) return { type: 'postgres', url: text };
  context.addIssue('must be sqlite:///relative/path, sqlite:////absolute/path or postgresql://…');
  return z.NEVER;
});

const commaSeparated = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

/** All four parts: `10/8` would mean 0.0.0.10/8. */
const isAddress = (text: string) => ipaddr.IPv6.isValid(text) || ipaddr.IPv4.isValidFourPartDecimal(text);

/** `true` and hop counts are refused: with either, a client could choose its own address. */
const trustedProxies = commaSeparated.refine(
  (parts) =>
    parts.every(
      (part) =>
        PROXY_NAMES.includes(part) ||
        (isAddress(part.split('/')[0]!) && (!part.includes('/') || ipaddr.isValidCIDR(part))),
    ),
  `must be a comma-separated list of addresses, CIDR ranges and the names ${PROXY_NAMES.join(', ')}`,
);

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;

const origins = commaSeparated.refine(
  (parts) => parts.every(isOrigin),
  'must be a comma-separated list of origins such as https://app.example.com (no path, no trailing slash)',
);

/** A host, perhaps with a port and credentials: what else a mail library would take from a URL could make it log mail. */
function isMailServer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { hostname, pathname, search, hash, username, password } = new URL(text);
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return hostname !== '' && /^\/?$/.test(pathname) && search === '' && hash === '';
}

export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/** `Watchlist <no-reply@example.com>` or the address alone. */
const mailAddress = z.string().transform((text, context): MailAddress => {
  const [, name = '', inBrackets, alone] =
    /^(?:([^\p{Cc}<>"]{0,100}?) *<([^\p{Cc}\s<>"@]+@[^\p{Cc}\s<>"@]+)>|([^\p{Cc}\s<>"@]+@[^\p{Cc}\s<>"@]+))$/u.exec(
      text.trim(),
    ) ?? [];
  const address = inBrackets ?? alone;
  if (address !== undefined) return { name, address };
  context.addIssue('must be an e-mail address such as Watchlist <no-reply@example.com>');
  return z.NEVER;
});

const oneOf = (...allowed: string[]) => z.enum(allowed, `must be one of ${allowed.join(', ')}`);

/** Several of them, or `none` by itself. */
const noneOrSome = (...allowed: string[]) =>
  commaSeparated.refine(
    (names) => names.join() === 'none' || (names.length > 0 && names.every((name) => allowed.includes(name))),
    `must be none, or a comma-separated list of ${allowed.join(', ')}`,
  );

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
      .default('0.0.0.0'),
    PORT: wholeNumber(0, 65535).default(8000),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    DATABASE_URL: database.default({ type: 'sqlite', file: './data/watchlist.db' }),
    REDIS_URL: url('redis:', 'rediss:').optional(),
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
    RATE_LIMIT_LIST: rateLimit.default({ limit: 60, windowSeconds: 60 }),
    RATE_LIMIT_WRITE: rateLimit.default({ limit: 30, windowSeconds: 60 }),
    RATE_LIMIT_DEFAULT: rateLimit.default({ limit: 300, windowSeconds: 60 }),
    RATE_LIMIT_ADDRESS: rateLimit.default({ limit: 1200, windowSeconds: 60 }),
    LOGIN_LOCKOUT: rateLimit.default({ limit: 5, windowSeconds: 900 }),
    TRUST_PROXY: trustedProxies.default([]),
    CORS_ORIGINS: origins.default(LOCAL_ORIGINS),
    BODY_LIMIT: wholeNumber(1024, 1_048_576).default(16_384),
    MAX_EVENT_LOOP_DELAY_MS: wholeNumber(0, 60_000).default(1000),
    REGISTRATION: z.enum(['open', 'closed']).default('open'),
    PUBLIC_URL: url('http:', 'https:')
      .refine(
        isOrigin,
        'must be an origin such as https://watchlist.example.com (no path, no trailing slash)',
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

type Values = z.output<typeof schema>;

export const ENV_VARIABLES = Object.keys(schema.shape) as readonly (keyof Values)[];

export interface JwtKey {
  /** What a token's header calls it (`kid`). Tells nothing of the key, and is the same on every instance. */
  readonly id: string;
  /** A KeyObject, not a string: jsonwebtoken first tries to parse a string as a PEM key, 40 times slower. */
  readonly key: KeyObject;
}

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
export const JWT_ALGORITHM = 'HS256';

const MINIMUM_SECRET_BYTES = 32;
const PLACEHOLDER =
  /change.?(me|this|it)|replace.?(me|this)|your.?(jwt)?.?secret|placeholder|example|super.?secret|^secret/i;

function isPlaceholder(secret: string): boolean {
  return PLACEHOLDER.test(secret) || new Set(secret).size < 8;
}

/** Creates the secret's file (0600) unless it is there. Linked into place when complete: nobody sees half of it. */
function createSecretFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file)) return;
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
    linkSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Of several instances that start together, one creates the file and all read it. */
function secretFromFile(file: string): Buffer {
  try {
    createSecretFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new InvalidEnvironmentError([
        `JWT_SECRET_FILE cannot be created (${(error as NodeJS.ErrnoException).code})`,
      ]);
    }
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new InvalidEnvironmentError([
      `JWT_SECRET_FILE cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ]);
  }
  if (Buffer.byteLength(text) < MINIMUM_SECRET_BYTES) {
    throw new InvalidEnvironmentError([`JWT_SECRET_FILE must hold at least ${MINIMUM_SECRET_BYTES} bytes`]);
  }
  return Buffer.from(text);
}

const KEY_ID_BYTES = 9;

function jwtKey(secret: Buffer): JwtKey {
  const id = hkdfSync('sha256', secret, '', 'watchlist-api key id', KEY_ID_BYTES);
  return { id: Buffer.from(id).toString('base64url'), key: createSecretKey(secret) };
}

/** @throws InvalidEnvironmentError */
function jwtKeys(values: Values, warnings: string[]): [JwtKey, ...JwtKey[]] {
  const old = values.JWT_SECRETS_OLD.map((secret) => Buffer.from(secret));
  if (old.some((secret) => secret.length < MINIMUM_SECRET_BYTES || isPlaceholder(secret.toString()))) {
    throw new InvalidEnvironmentError([
      `JWT_SECRETS_OLD must be a comma-separated list of secrets of at least ${MINIMUM_SECRET_BYTES} bytes, none of them a placeholder`,
    ]);
  }
  return [jwtKey(jwtSecret(values, warnings)), ...old.map(jwtKey)];
}

function jwtSecret(values: Values, warnings: string[]): Buffer {
  const production = values.NODE_ENV === 'production';
  let secret = values.JWT_SECRET;
  if (secret !== undefined && isPlaceholder(secret)) {
    if (production)
      throw new InvalidEnvironmentError(['JWT_SECRET is a known placeholder: set 32 random bytes']);
    warnings.push('JWT_SECRET is a known placeholder and is not used; a random secret takes its place.');
    secret = undefined;
  }
  if (secret !== undefined) {
    if (Buffer.byteLength(secret) < MINIMUM_SECRET_BYTES) {
      throw new InvalidEnvironmentError([`JWT_SECRET must have at least ${MINIMUM_SECRET_BYTES} bytes`]);
    }
    return Buffer.from(secret);
  }
  const file = values.JWT_SECRET_FILE ?? (production ? undefined : './data/jwt-secret');
  if (file === undefined) {
    throw new InvalidEnvironmentError(['JWT_SECRET or JWT_SECRET_FILE must be set in production']);
  }
  return secretFromFile(file);
}

/** README and .env.example show this one, so every reader of them knows it. */
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
function checked<Schema extends z.ZodType>(rules: Schema, source: Source): z.output<Schema> {
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
  const warnings = warningsOfUnread(source);
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

/** What is already set wins. */
function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      // Such as a folder: what Compose makes of a file that it is to mount and that is not there.
      throw new InvalidEnvironmentError(['.env cannot be read: it must be a file of NAME=value lines']);
    }
  }
}

/** Loads `.env` when present, then checks. The only reader of `process.env`. */
export function loadEnv(): Env {
  loadEnvFile();
  return parseEnv(process.env);
}

/**
 * As {@link loadEnv}, for a command that needs the database and nothing else: it neither makes a secret nor fails for
 * want of one.
 */
export function loadDatabaseUrl(): Env['DATABASE_URL'] {
  loadEnvFile();
  return checked(z.object({ DATABASE_URL: schema.shape.DATABASE_URL }), process.env).DATABASE_URL;
}
