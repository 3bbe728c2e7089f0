import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvalidEnvironmentError } from './errors.js';

export const JWT_ALGORITHM = 'HS256';

export interface JwtKey {
  /** The `kid` in a token's header. It reveals nothing about the key and is the same on every instance. */
  readonly id: string;
  /** A KeyObject, not a string: jsonwebtoken first tries to parse a string as a PEM key, 40 times slower. */
  readonly key: KeyObject;
}

/** The variables that the keys come from. */
interface JwtVariables {
  readonly NODE_ENV: string;
  readonly JWT_SECRET?: string | undefined;
  readonly JWT_SECRET_FILE?: string | undefined;
  readonly JWT_SECRETS_OLD: readonly string[];
}

const MINIMUM_SECRET_BYTES = 32;
const PLACEHOLDER =
  /change.?(me|this|it)|replace.?(me|this)|your.?(jwt)?.?secret|placeholder|example|super.?secret|^secret/i;

function isPlaceholder(secret: string): boolean {
  return PLACEHOLDER.test(secret) || new Set(secret).size < 8;
}

/** Creates the secret's file (0600) unless it exists. A link puts the complete file in place, so no reader sees half of it. */
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
export function jwtKeys(values: JwtVariables, warnings: string[]): [JwtKey, ...JwtKey[]] {
  const old = values.JWT_SECRETS_OLD.map((secret) => Buffer.from(secret));
  if (old.some((secret) => secret.length < MINIMUM_SECRET_BYTES || isPlaceholder(secret.toString()))) {
    throw new InvalidEnvironmentError([
      `JWT_SECRETS_OLD must be a comma-separated list of secrets of at least ${MINIMUM_SECRET_BYTES} bytes, none of them a placeholder`,
    ]);
  }
  return [jwtKey(jwtSecret(values, warnings)), ...old.map(jwtKey)];
}

function jwtSecret(values: JwtVariables, warnings: string[]): Buffer {
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
