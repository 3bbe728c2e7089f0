import { Inject, Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import { ENV, type Env } from '../../config/env.js';
import { OriginNotAllowedError } from '../access/auth.errors.js';
import type { SessionTokens } from '../auth.service.js';
import { TokenResponse } from '../dto/auth.response.js';
import type { Transport } from '../sessions/dto/session.dto.js';

/** The prefix makes browsers insist on the attributes below: no other host can set or read it. */
export const REFRESH_COOKIE = '__Host-wl_refresh';

/** Where a browser keeps the refresh token, out of reach of its scripts. */
@Injectable()
export class RefreshCookie {
  constructor(@Inject(ENV) private readonly env: Env) {}

  /**
   * @returns undefined when there is none
   * @throws OriginNotAllowedError when there is one, and another site may have had it sent
   */
  read({ headers, host }: HttpRequest): string | undefined {
    const token = parseCookie(headers.cookie ?? '')[REFRESH_COOKIE];
    if (token === undefined) return undefined;
    const { origin } = headers;
    const isOurs =
      origin !== undefined &&
      (this.env.CORS_ORIGINS.includes(origin) || (URL.canParse(origin) && new URL(origin).host === host));
    if (!isOurs) throw new OriginNotAllowedError();
    return token;
  }

  /** Puts the refresh token where it was asked for, and tells the rest. */
  hand(tokens: SessionTokens, transport: Transport | undefined, reply: HttpReply): TokenResponse {
    if (transport !== 'cookie') return TokenResponse.from(tokens, tokens.refresh.token);
    this.write(reply, tokens.refresh.token, tokens.refresh.expiresIn);
    return TokenResponse.from(tokens);
  }

  /** The browser forgets it. */
  clear(reply: HttpReply): void {
    this.write(reply, '', 0);
  }

  private write(reply: HttpReply, value: string, maxAge: number): void {
    const attributes = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const;
    reply.header('set-cookie', stringifySetCookie({ name: REFRESH_COOKIE, value, maxAge, ...attributes }));
  }
}
