import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { isIdText } from '../../common/validation/fields.js';
import { ENV, type Env } from '../../config/env.js';
import { JWT_ALGORITHM } from '../../config/jwt-keys.js';
import { SESSION_ID } from '../sessions/sessions.service.js';
import { AUDIENCE, ISSUER } from '../sign-in/access-token.service.js';
import type { Principal } from '../access/principal.js';
import { Principals } from './principal-resolver.js';
import { VerifiedTokens } from './verified-tokens.js';

/** The whole value: passport-jwt's own extractor would take the first of several words. */
const BEARER = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;
/** Seconds by which another instance's clock may be ahead of ours. */
const CLOCK_TOLERANCE = 5;

const PERSONAL = /^Bearer +(wl_[0-9A-Za-z]+)$/i;

/** A personal token; whether it is a good one is another question. */
export function personalToken(request: FastifyRequest): string | null {
  return PERSONAL.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

function bearerToken(request: FastifyRequest): string | null {
  return BEARER.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

interface Claims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly iat?: unknown;
  readonly jti?: unknown;
  readonly sid?: unknown;
}

/** jsonwebtoken lets these pass: no `exp` (valid for ever), an `iat` in the future. */
function hasSoundClaims(claims: Claims): claims is Claims & { sub: string; exp: number; sid: string } {
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
 * jsonwebtoken overlooks an extension that is marked critical (RFC 7515: not understood, not valid) and stumbles over
 * claims that are `null`.
 *
 * @returns the name of the key that the token says it was signed with
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

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor(
    @Inject(ENV) env: Env,
    private readonly principals: Principals,
    private readonly verified: VerifiedTokens,
  ) {
    const keys = new Map<unknown, KeyObject>(env.JWT_KEYS.map(({ id, key }) => [id, key]));
    super({
      jwtFromRequest: bearerToken as never,
      secretOrKeyProvider: (
        _request: unknown,
        token: string,
        done: (error: Error | null, key?: KeyObject) => void,
      ) => {
        const key = keys.get(keyIdOf(token));
        done(key === undefined ? new Error('none of ours') : null, key);
      },
      algorithms: [JWT_ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      jsonWebTokenOptions: { clockTolerance: 0 },
      passReqToCallback: true,
    } as never);
  }

  async validate(request: FastifyRequest, claims: Claims): Promise<Principal | false> {
    if (!hasSoundClaims(claims)) return false;
    const verified = { userId: Number(claims.sub), sessionId: claims.sid, expiresAt: claims.exp };
    this.verified.remember(bearerToken(request)!, verified);
    return (await this.principals.find(verified)) ?? false;
  }
}
