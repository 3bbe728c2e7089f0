import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { isUrl, postgresProblem } from './url-rules.js';

/** At most `limit` calls in any window of `windowSeconds`; `null` in the environment's table means that the policy is off. */
export interface RateLimit {
  readonly limit: number;
  readonly windowSeconds: number;
}

export const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,9})$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`);

/** `5/60`: five calls in any 60 seconds; `0`: no limit. */
export const rateLimit = z
  .string()
  .regex(/^(0|[1-9]\d{0,6}\/[1-9]\d{0,4})$/, 'must be <calls>/<seconds>, such as 5/60, or 0 for no limit')
  .transform((text): RateLimit | null => {
    if (text === '0') return null;
    const [limit, windowSeconds] = text.split('/').map(Number) as [number, number];
    return { limit, windowSeconds };
  });

export const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => isUrl(text) && protocols.some((protocol) => text.startsWith(`${protocol}//`)),
      `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}, with a host, a port from 1 to 65535, no # and no space, and a % only in escapes such as %25`,
    );

export interface SqliteConfig {
  readonly type: 'sqlite';
  /** Path of the file, relative to the working folder or absolute. */
  readonly file: string;
}
export interface PostgresConfig {
  readonly type: 'postgres';
  readonly url: string;
}

/** SQLAlchemy's spelling: three slashes for a relative path, four for an absolute one. */
export const database = z.string().transform((text, context): SqliteConfig | PostgresConfig => {
  const file = /^sqlite:\/\/\/(.+)$/.exec(text)?.[1];
  if (file === ':memory:') {
    context.addIssue('must not be :memory: — the data would be gone at every restart; name a file');
    return z.NEVER;
  }
  if (file !== undefined) return { type: 'sqlite', file };
  const problem = /^postgres(ql)?:\/\//.test(text)
    ? postgresProblem(text)
    : 'must be sqlite:///relative/path, sqlite:////absolute/path or postgresql://…';
  if (problem === undefined) return { type: 'postgres', url: text };
  context.addIssue(problem);
  return z.NEVER;
});

export const commaSeparated = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

/** All four parts: `10/8` would mean 0.0.0.10/8. */
const isAddress = (text: string) => ipaddr.IPv6.isValid(text) || ipaddr.IPv4.isValidFourPartDecimal(text);

/** A range of all addresses is refused for the same reason as `true`. Fastify does not know ranges of mapped addresses. */
function isRange(text: string): boolean {
  if (!ipaddr.isValidCIDR(text) || /\/0+$/.test(text)) return false;
  const [address] = ipaddr.parseCIDR(text);
  return !(address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress());
}

/** `true` and hop counts are refused: with either, a client could choose its own address. */
export const trustedProxies = commaSeparated.refine(
  (parts) =>
    parts.every(
      (part) =>
        PROXY_NAMES.includes(part) ||
        (isAddress(part.split('/')[0]!) && (!part.includes('/') || isRange(part))),
    ),
  `must be a comma-separated list of addresses, CIDR ranges and the names ${PROXY_NAMES.join(', ')}`,
);

/** As a browser sends it. Apps have schemes of their own, such as capacitor://localhost. */
export function isOrigin(text: string): boolean {
  if (!isUrl(text) || text.includes('*')) return false;
  const { protocol, host, origin } = new URL(text);
  if (/^https?:$/.test(protocol)) return origin === text;
  const isNeverSent = /^(ftp|wss?|file):$/.test(protocol);
  return !isNeverSent && `${protocol}//${host}` === text && text === text.toLowerCase();
}

export const origins = commaSeparated.refine(
  (parts) => parts.every(isOrigin),
  'must be a comma-separated list of origins such as https://app.example.com, as browsers send them (lower case, no path, no trailing slash, no default port, no *)',
);

/** A host, perhaps with a port and credentials: what else a mail library would take from a URL could make it log mail. */
export function isMailServer(text: string): boolean {
  if (!isUrl(text)) return false;
  const { pathname, search, username, password } = new URL(text);
  return /^\/?$/.test(pathname) && search === '' && (username === '') === (password === '');
}

export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/** `Watchlist <no-reply@example.com>` or the address alone. */
export const mailAddress = z.string().transform((text, context): MailAddress => {
  const [, name = '', inBrackets, alone] =
    /^(?:([^\p{Cc}<>"]{0,100}?) *<([^\p{Cc}\s<>"@]+@[^\p{Cc}\s<>"@]+)>|([^\p{Cc}\s<>"@]+@[^\p{Cc}\s<>"@]+))$/u.exec(
      text.trim(),
    ) ?? [];
  const address = inBrackets ?? alone;
  if (address !== undefined) return { name, address };
  context.addIssue('must be an e-mail address such as Watchlist <no-reply@example.com>');
  return z.NEVER;
});

export const oneOf = (...allowed: string[]) => z.enum(allowed, `must be one of ${allowed.join(', ')}`);

/** Several of them, or `none` by itself. */
export const noneOrSome = (...allowed: string[]) =>
  commaSeparated.refine(
    (names) => names.join() === 'none' || (names.length > 0 && names.every((name) => allowed.includes(name))),
    `must be none, or a comma-separated list of ${allowed.join(', ')}`,
  );
