import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { ENV, type Env } from '../../config/env.js';
import { JWT_ALGORITHM } from '../../config/jwt-keys.js';
import type { Session } from '../sessions/session.entity.js';

export const ISSUER = 'watchlist-api';
export const AUDIENCE = 'watchlist-api';

export interface IssuedToken {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
}

@Injectable()
export class AccessTokens {
  constructor(
    private readonly jwt: JwtService,
    @Inject(ENV) private readonly env: Env,
  ) {}

  /**
   * The token identifies the user but contains no rights, because each request reads those from the database.
   *
   * @param now the database's time, because another instance can check the token
   * @returns the token and its lifetime in seconds; it ends no later than its session
   */
  async issueAccessToken(
    { id, userId, expiresAt }: Pick<Session, 'id' | 'userId' | 'expiresAt'>,
    now: Date,
  ): Promise<IssuedToken> {
    const left = Math.floor((expiresAt.getTime() - now.getTime()) / 1000);
    const expiresIn = Math.max(1, Math.min(this.env.JWT_EXPIRE_MINUTES * 60, left));
    const token = await this.jwt.signAsync(
      { sid: id, iat: Math.floor(now.getTime() / 1000) },
      {
        keyid: this.env.JWT_KEYS[0].id,
        algorithm: JWT_ALGORITHM,
        subject: String(userId),
        issuer: ISSUER,
        audience: AUDIENCE,
        jwtid: randomUUID(),
        expiresIn,
      },
    );
    return { token, expiresIn };
  }
}
