import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Env } from '../../config/env.js';
import type { JwtKey } from '../../config/jwt-keys.js';

/**
 * Signs tokens with HMAC-SHA-256. The server can recreate a token, so the database stores none that a thief could use.
 * HKDF derives one key per use from each JWT key, so that a signature is valid for one use only.
 */
export class TokenSigner {
  private readonly keys: ReadonlyMap<string, KeyObject>;

  /** @param use for example `refresh token`; a change makes all issued tokens invalid */
  constructor(keys: readonly JwtKey[], use: string) {
    this.keys = new Map(keys.map(({ id, key }) => [id, deriveKey(key, use)]));
  }

  hasKey(keyId: string): boolean {
    return this.keys.has(keyId);
  }

  /** @param keyId must name a configured key */
  sign(text: string, keyId: string): string {
    return hmac(text, this.keys.get(keyId)!);
  }

  /** Returns false also when the key is no longer configured. */
  verify(given: string, text: string, keyId: string): boolean {
    const key = this.keys.get(keyId);
    return key !== undefined && timingSafeEqual(Buffer.from(hmac(text, key)), Buffer.from(given));
  }
}

/** Replaces e-mail addresses in places such as Redis, where they must not be readable. The same on every instance. */
export function pseudonymizer([{ key }]: Env['JWT_KEYS'], use: string): (email: string) => string {
  const own = deriveKey(key, use);
  return (email) => hmac(email, own).slice(0, 22);
}

function deriveKey(key: KeyObject, use: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, '', `watchlist-api ${use}`, 32)));
}

function hmac(text: string, key: KeyObject): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}
