import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Env } from '../../config/env.js';
import type { JwtKey } from '../../config/jwt-keys.js';

/**
 * HMAC-SHA-256 codes for tokens that are made anew when they are needed, so that nothing is stored which could be
 * presented. The keys are derived (HKDF) from the JWT keys for one use each: a code is good for nothing else.
 */
export class TokenCodes {
  private readonly keys: ReadonlyMap<string, KeyObject>;

  /** @param use such as `refresh token`; never to be changed, what is out there would not be good any more */
  constructor(keys: readonly JwtKey[], use: string) {
    this.keys = new Map(keys.map(({ id, key }) => [id, derived(key, use)]));
  }

  isInUse(keyId: string): boolean {
    return this.keys.has(keyId);
  }

  /** @param keyId of a key that is in use */
  of(text: string, keyId: string): string {
    return code(text, this.keys.get(keyId)!);
  }

  /** False, too, for a key that is in use no longer. */
  isGenuine(given: string, text: string, keyId: string): boolean {
    const key = this.keys.get(keyId);
    return key !== undefined && timingSafeEqual(Buffer.from(code(text, key)), Buffer.from(given));
  }
}

/** For what stands in for an e-mail address where nobody is to read one, such as in Redis; the same on every instance. */
export function pseudonyms([{ key }]: Env['JWT_KEYS'], use: string): (email: string) => string {
  const own = derived(key, use);
  return (email) => code(email, own).slice(0, 22);
}

function derived(key: KeyObject, use: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, '', `watchlist-api ${use}`, 32)));
}

function code(text: string, key: KeyObject): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}
