import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type ConnectionOptions, parse } from 'pg-connection-string';

const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)$/i;

/** Libraries decode these parts. A control character would end the text early for some of them. */
function isDecodable(...parts: string[]): boolean {
  try {
    return parts.every((part) => !/\p{Cc}/u.test(decodeURIComponent(part)));
  } catch {
    return false;
  }
}

/** The rules that are the same for every URL: what they refuse, libraries drop, change or throw at. */
export function isUrl(text: string): boolean {
  if (/[\s\p{Cc}#]/u.test(text) || !/^[a-z][a-z\d+.-]*:\/\/./i.test(text) || !URL.canParse(text))
    return false;
  const { hostname, port, username, password } = new URL(text);
  return HOST.test(hostname) && port !== '0' && isDecodable(username, password);
}

/** ioredis prefers the options of a URL to ours, so only `family` is allowed. A path is the number of a database. */
export function isRedisUrl(text: string): boolean {
  if (!isUrl(text)) return false;
  const { pathname, search } = new URL(text);
  return /^(\/|\/(0|[1-9]\d{0,4}))?$/.test(pathname) && /^(\?family=[046])?$/.test(search);
}

/** The options that pg reads, except those that the server sets itself. */
const PG_OPTIONS: Record<string, RegExp> = {
  host: /./,
  port: /./,
  user: /./,
  password: /./,
  options: /./,
  ssl: /^(true|1|0|no-verify)$/,
  // pg knows no connection that falls back to plain text, as `prefer` and `allow` do elsewhere.
  sslmode: /^(disable|require|verify-ca|verify-full|no-verify)$/,
  sslnegotiation: /^(postgres|direct)$/,
  sslrootcert: /./,
  sslcert: /./,
  sslkey: /./,
  uselibpqcompat: /^true$/,
};

/** The longest path of a Unix socket on Linux, without the file's name that pg appends. */
const MAXIMUM_SOCKET_FOLDER = 107 - '/.s.PGSQL.65535'.length;

/** Says why a PostgreSQL URL cannot be used, without repeating its values. Uses pg's parser, as the driver does. */
export function postgresProblem(text: string): string | undefined {
  if (/[\s\p{Cc}#]/u.test(text) || !URL.canParse(text))
    return 'must be a URL such as postgresql://user:password@host:5432/database, with a port from 1 to 65535, and with special characters percent-encoded';
  const { username, password, pathname, searchParams } = new URL(text);
  if (!isDecodable(username, password, pathname))
    return 'has a % that is not part of an escape: write %25 for it';
  const database = pathname.slice(1);
  if (/[/@]/.test(database) || decodeURI(database) !== decodeURIComponent(database))
    return 'must have one database name after the host; percent-encode / and @ in the password';
  const names = [...searchParams.keys()];
  for (const [name, value] of searchParams) {
    const rule = Object.hasOwn(PG_OPTIONS, name) ? PG_OPTIONS[name] : undefined;
    if (rule === undefined)
      return `has an option that does nothing here; only these do: ${Object.keys(PG_OPTIONS).join(', ')}`;
    if (!rule.test(value) || /\p{Cc}/u.test(value)) return `has a value of ${name} that does not work`;
  }
  if (new Set(names).size < names.length) return 'has an option twice';
  let parsed: ConnectionOptions;
  try {
    parsed = parse(text);
    checkCertificates(parsed.ssl);
  } catch (error) {
    const { code = 'not usable' } = error as NodeJS.ErrnoException;
    return `names a certificate or key, or has an option, that cannot be used (${code})`;
  }
  if (searchParams.get('sslnegotiation') === 'direct' && !parsed.ssl)
    return 'has sslnegotiation=direct, which needs sslmode';
  const { host, port } = parsed;
  if (port && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535))
    return 'must have a port from 1 to 65535';
  // pg takes PGHOST or localhost.
  if (!host) return undefined;
  if (host.startsWith('/'))
    return Buffer.byteLength(host) > MAXIMUM_SOCKET_FOLDER
      ? 'names a folder of a socket that is too long'
      : undefined;
  return /^[\w.:%-]+$/.test(host) ? undefined : 'must name one host';
}

/** @throws if Node cannot read the certificates or the key */
function checkCertificates(ssl: unknown): void {
  if (typeof ssl !== 'object' || ssl === null) return;
  const { ca, cert, key } = ssl as { ca?: string; cert?: string; key?: string };
  createSecureContext({ ca, cert, key });
  // Node ignores an authority that is no certificate, and then refuses every server.
  if (ca !== undefined && new X509Certificate(ca).raw.length === 0) throw new Error('empty');
}
