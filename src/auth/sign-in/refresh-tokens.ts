import { Inject, Injectable } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import type { Session } from '../sessions/session.entity.js';
import { TokenSigner } from '../access/token-signer.js';

const TOKEN = /^([A-Za-z0-9_-]{22})\.(0|[1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/;

export interface RefreshToken {
  readonly sessionId: string;
  readonly generation: number;
  readonly mac: string;
}

/** `<session>.<generation>.<code of both>` (token-signer.ts). */
@Injectable()
export class RefreshTokens {
  private readonly signer: TokenSigner;

  constructor(@Inject(ENV) env: Env) {
    this.signer = new TokenSigner(env.JWT_KEYS, 'refresh token');
  }

  /** Of a session's present generation. */
  issue({ id, generation, keyId }: Pick<Session, 'id' | 'generation' | 'keyId'>): string {
    return `${id}.${generation}.${this.signer.sign(`${id}.${generation}`, keyId)}`;
  }

  /** Its parts; whether it is genuine is another question. Null for what cannot be one. */
  parse(text: string): RefreshToken | null {
    const [, sessionId, generation, mac] = TOKEN.exec(text) ?? [];
    return sessionId === undefined ? null : { sessionId, generation: Number(generation), mac: mac! };
  }

  /** False, too, for a session whose key is in use no longer. */
  isGenuine({ sessionId, generation, mac }: RefreshToken, keyId: string): boolean {
    return this.signer.verify(mac, `${sessionId}.${generation}`, keyId);
  }
}
