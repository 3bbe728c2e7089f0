import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { isIdText } from '../../common/validation/fields.js';
import { ENV, type Env } from '../../config/env.js';
import { JWT_ALGORITHM } from '../../config/jwt-keys.js';
import { SESSION_ID } from '../sessions/sessions.service.js';
import { AUDIENCE, ISSUER } from '../sign-in/access-token.service.js';
import { jwtIn } from './bearer-token.js';
import type { VerifiedToken } from './verified-tokens.js';

/** Seconds by which the clocks of this instance and of the database, which dates the tokens, can differ. */
const CLOCK_TOLERANCE = 60;

interface Claims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly iat?: unknown;
  readonly jti?: unknown;
  readonly sid?: unknown;
}

/** jsonwebtoken accepts a token without `exp` and one that was issued in the future. */
function areValid(claims: Claims): claims is Claims & { sub: string; exp: number; sid: string } {
  const { sub, exp, iat, jti, sid } = claims;
  const latest = Date.now() / 1000 + CLOCK_TOLERANCE;
  return (
    typeof sub === 'string' &&
    isIdText(sub) &&
    typeof exp === 'number' &&
    typeof iat === 'number' &&
    iat <= latest &&
    typeof jti === 'string' &&
    typeof sid === 'string' &&
    SESSION_ID.test(sid)
  );
}

/**
 * The id of the key that a token names. Undefined for tokens that jsonwebtoken does not refuse properly: it ignores
 * `crit` (RFC 7515: refuse extensions that you do not understand) and fails on claims that are `null`.
 */
function keyIdOf(token: string): unknown {
  try {
    const [header, claims] = token
      .split('.', 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as { kid?: unknown });
    return 'crit' in header! || claims === null ? undefined : header!.kid;
  } catch {
    return undefined;
  }
}

/**
 * Verifies a token's signature and claims. It reads no database: the guard resolves the session, and decides by the
 * database's clock whether the token has expired.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(@Inject(ENV) env: Env) {
    const keys = new Map<unknown, Buffer>(env.JWT_KEYS.map(({ id, key }) => [id, key.export()]));
    super({
      jwtFromRequest: (request: FastifyRequest) => jwtIn(request.headers.authorization),
      secretOrKeyProvider: (_request, token: string, done) => {
        const key = keys.get(keyIdOf(token));
        done(key === undefined ? new Error('unknown key') : null, key);
      },
      algorithms: [JWT_ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      jsonWebTokenOptions: { clockTolerance: CLOCK_TOLERANCE },
    });
  }

  validate(claims: Claims): VerifiedToken | false {
    if (!areValid(claims)) return false;
    return { userId: Number(claims.sub), sessionId: claims.sid, expiresAt: claims.exp };
  }
}
