import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Env } from '../../config/env.js';
import type { JwtKey } from '../../config/jwt-keys.js';

/**
 * Signs tokens with HMAC-SHA-256, so that the database stores no token. Each use has its own keys, which HKDF derives
 * from the JWT keys, so that a signature is not valid for another use.
 */
export class TokenSigner {
  private readonly keys: ReadonlyMap<string, KeyObject>;

  /** @param use such as `refresh token`; changing it invalidates every token in use */
  constructor(keys: readonly JwtKey[], use: string) {
    this.keys = new Map(keys.map(({ id, key }) => [id, derived(key, use)]));
  }

  isInUse(keyId: string): boolean {
    return this.keys.has(keyId);
  }

  /** @param keyId of a key in use */
  sign(text: string, keyId: string): string {
    return hmac(text, this.keys.get(keyId)!);
  }

  /** @returns false also for a retired key */
  verify(signature: string, text: string, keyId: string): boolean {
    const key = this.keys.get(keyId);
    return key !== undefined && timingSafeEqual(Buffer.from(hmac(text, key)), Buffer.from(signature));
  }
}

/** Replaces e-mail addresses where they must not be readable, such as in Redis. Every instance gives the same result. */
export function pseudonymizer([{ key }]: Env['JWT_KEYS'], use: string): (email: string) => string {
  const own = derived(key, use);
  return (email) => hmac(email, own).slice(0, 22);
}

function derived(key: KeyObject, use: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, '', `watchlist-api ${use}`, 32)));
}

function hmac(text: string, key: KeyObject): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}
