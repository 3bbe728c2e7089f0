import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { isIdText } from '../common/validation/fields.js';
import { ENV, type Env, JWT_ALGORITHM } from '../config/env.js';
import { AUDIENCE, ISSUER } from './access-token.js';
import type { Principal } from './principal.js';
import { Principals } from './principals.js';
import { VerifiedTokens } from './verified-tokens.js';

/** The whole value: passport-jwt's own extractor would take the first of several words. */
const BEARER = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;
/** Seconds by which another instance's clock may be ahead of ours. */
const CLOCK_TOLERANCE = 5;

export function bearerToken(request: FastifyRequest): string | null {
  return BEARER.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

interface Claims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly iat?: unknown;
  readonly jti?: unknown;
}

/** jsonwebtoken lets these pass: no `exp` (valid for ever), an `iat` in the future. */
function hasSoundClaims(claims: Claims): claims is Claims & { sub: string; exp: number } {
  const { sub, exp, iat, jti } = claims;
  const latest = Date.now() / 1000 + CLOCK_TOLERANCE;
  return (
    typeof sub === 'string' &&
    isIdText(sub) &&
    typeof exp === 'number' &&
    typeof iat === 'number' &&
    iat <= latest &&
    typeof jti === 'string'
  );
}

/**
 * jsonwebtoken overlooks an extension that is marked critical (RFC 7515: not understood, not valid) and stumbles over
 * claims that are `null`; and a token that names its key is none of ours, which do not.
 */
function isOfOurKind(token: string): boolean {
  try {
    const [header, claims] = token
      .split('.', 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object);
    return !('crit' in header!) && !('kid' in header) && claims !== null;
  } catch {
    return false;
  }
}

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor(
    @Inject(ENV) env: Env,
    private readonly principals: Principals,
    private readonly verified: VerifiedTokens,
  ) {
    super({
      jwtFromRequest: bearerToken as never,
      secretOrKeyProvider: (
        _request: unknown,
        token: string,
        done: (error: Error | null, key?: KeyObject) => void,
      ) => (isOfOurKind(token) ? done(null, env.JWT_KEY) : done(new Error('none of ours'))),
      algorithms: [JWT_ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      jsonWebTokenOptions: { clockTolerance: 0 },
      passReqToCallback: true,
    } as never);
  }

  async validate(request: FastifyRequest, claims: Claims): Promise<Principal | false> {
    if (!hasSoundClaims(claims)) return false;
    const userId = Number(claims.sub);
    this.verified.remember(bearerToken(request)!, userId, claims.exp);
    return (await this.principals.find(userId)) ?? false;
  }
}
