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

/** `<session>.<generation>.<signature of both>`. */
@Injectable()
export class RefreshTokens {
  private readonly signer: TokenSigner;

  constructor(@Inject(ENV) env: Env) {
    this.signer = new TokenSigner(env.JWT_KEYS, 'refresh token');
  }

  /** Issues the token of the session's current generation. */
  issueRefreshToken({ id, generation, keyId }: Pick<Session, 'id' | 'generation' | 'keyId'>): string {
    return `${id}.${generation}.${this.signer.sign(`${id}.${generation}`, keyId)}`;
  }

  /** Splits the token without verifying it. Returns null for text that cannot be a token. */
  parseRefreshToken(text: string): RefreshToken | null {
    const [, sessionId, generation, mac] = TOKEN.exec(text) ?? [];
    return sessionId === undefined ? null : { sessionId, generation: Number(generation), mac: mac! };
  }

  /** Returns false also when the session's key is no longer configured. */
  verifyRefreshToken({ sessionId, generation, mac }: RefreshToken, keyId: string): boolean {
    return this.signer.verify(mac, `${sessionId}.${generation}`, keyId);
  }
}
