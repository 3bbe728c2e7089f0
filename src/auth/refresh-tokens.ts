import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ENV, type Env } from '../config/env.js';
import type { Session } from '../sessions/session.entity.js';

const TOKEN = /^([A-Za-z0-9_-]{22})\.(0|[1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/;

export interface RefreshToken {
  readonly sessionId: string;
  readonly generation: number;
  readonly mac: string;
}

/**
 * `<session>.<generation>.<HMAC-SHA-256 of both>`: made anew when it is needed, so that nothing is stored which could
 * be presented. Its key is derived (HKDF) from the JWT key of the session, and never signs anything else.
 */
@Injectable()
export class RefreshTokens {
  private readonly keys: ReadonlyMap<string, KeyObject>;

  constructor(@Inject(ENV) env: Env) {
    this.keys = new Map(
      env.JWT_KEYS.map(({ id, key }) => [
        id,
        createSecretKey(Buffer.from(hkdfSync('sha256', key, '', 'watchlist-api refresh token', 32))),
      ]),
    );
  }

  /** Of a session's present generation. */
  issue({ id, generation, keyId }: Pick<Session, 'id' | 'generation' | 'keyId'>): string {
    return `${id}.${generation}.${this.mac(id, generation, this.keys.get(keyId)!)}`;
  }

  /** Its parts; whether it is genuine is another question. Null for what cannot be one. */
  parse(text: string): RefreshToken | null {
    const [, sessionId, generation, mac] = TOKEN.exec(text) ?? [];
    return sessionId === undefined ? null : { sessionId, generation: Number(generation), mac: mac! };
  }

  /** False, too, for a session whose key is in use no longer. */
  isGenuine({ sessionId, generation, mac }: RefreshToken, keyId: string): boolean {
    const key = this.keys.get(keyId);
    if (key === undefined) return false;
    return timingSafeEqual(Buffer.from(this.mac(sessionId, generation, key)), Buffer.from(mac));
  }

  private mac(sessionId: string, generation: number, key: KeyObject): string {
    return createHmac('sha256', key).update(`${sessionId}.${generation}`).digest('base64url');
  }
}
