import { createHmac, type KeyObject } from 'node:crypto';
import { ENV, type Env, parseEnv } from '../../src/config/env.js';
import { TEST_SECRET, type TestApp } from './create-test-app.js';

export type Claims = Record<string, unknown>;

/** What our key is called. */
export const KEY_ID = parseEnv({ JWT_SECRET: TEST_SECRET }).JWT_KEYS[0].id;
const HEADER = { alg: 'HS256', typ: 'JWT', kid: KEY_ID };

export const nowInSeconds = () => Math.floor(Date.now() / 1000);

/** Bytes and text as they are, anything else as JSON. */
export const encoded = (part: unknown) =>
  Buffer.from(
    typeof part === 'string' || Buffer.isBuffer(part) ? (part as string) : JSON.stringify(part),
  ).toString('base64url');

/** What the server signs with. */
export const keyOf = (server: TestApp) => server.app.get<Env>(ENV).JWT_KEYS[0].key;

export const decoded = (token: string, part: 0 | 1) =>
  JSON.parse(Buffer.from(token.split('.')[part]!, 'base64url').toString()) as Claims;

export const claimsOf = (token: string) => decoded(token, 1);

/** A token written by hand, with a signature that fits: whatever is wrong with it is what the test put there. */
export function signed(
  key: KeyObject | string,
  payload: unknown,
  header: unknown = HEADER,
  hash = 'sha256',
): string {
  const content = `${encoded(header)}.${encoded(payload)}`;
  return `${content}.${createHmac(hash, key).update(content).digest('base64url')}`;
}

/** The token as it will be when its time has come. */
export function expired(server: TestApp, token: string): string {
  const hourAgo = nowInSeconds() - 3600;
  return signed(keyOf(server), { ...claimsOf(token), iat: hourAgo - 3600, exp: hourAgo });
}
