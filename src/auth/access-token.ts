import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { ENV, type Env, JWT_ALGORITHM } from '../config/env.js';

export const ISSUER = 'watchlist-api';
export const AUDIENCE = 'watchlist-api';

@Injectable()
export class AccessTokens {
  constructor(
    private readonly jwt: JwtService,
    @Inject(ENV) private readonly env: Env,
  ) {}

  /** Lifetime in seconds. */
  get expiresIn(): number {
    return this.env.JWT_EXPIRE_MINUTES * 60;
  }

  /** Says who, and nothing about what they may do: that is read from the database at each request. */
  issue(userId: number): Promise<string> {
    return this.jwt.signAsync(
      {},
      {
        algorithm: JWT_ALGORITHM,
        subject: String(userId),
        issuer: ISSUER,
        audience: AUDIENCE,
        jwtid: randomUUID(),
        expiresIn: this.expiresIn,
      },
    );
  }
}
