import { Inject, Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import { ENV, type Env } from '../../config/env.js';
import { OriginNotAllowedError } from '../access/auth.errors.js';
import type { Transport } from './dto/sign-in.dto.js';
import { TokenResponse } from './dto/token.response.js';
import type { SessionTokens } from './sign-in.service.js';

/** The `__Host-` prefix makes browsers insist on the attributes below, so no other host can set or read it. */
export const REFRESH_COOKIE = '__Host-wl_refresh';

/** Keeps a browser's refresh token out of reach of its scripts. */
@Injectable()
export class RefreshCookie {
  constructor(@Inject(ENV) private readonly env: Env) {}

  /**
   * @returns undefined when the request has no cookie
   * @throws OriginNotAllowedError when the request has the cookie but another site can have caused it
   */
  readRefreshToken({ headers, host }: HttpRequest): string | undefined {
    const token = parseCookie(headers.cookie ?? '')[REFRESH_COOKIE];
    if (token === undefined) return undefined;
    const { origin } = headers;
    const isOurs =
      origin !== undefined &&
      (origin === this.env.PUBLIC_URL ||
        this.env.CORS_ORIGINS.includes(origin) ||
        (URL.canParse(origin) && new URL(origin).host === host));
    if (!isOurs) throw new OriginNotAllowedError();
    return token;
  }

  /** Puts the refresh token into the cookie or the body and returns the body. */
  deliverTokens(tokens: SessionTokens, transport: Transport | undefined, reply: HttpReply): TokenResponse {
    if (transport !== 'cookie') return TokenResponse.from(tokens, tokens.refresh.token);
    this.setRefreshCookie(reply, tokens.refresh.token, tokens.refresh.expiresIn);
    return TokenResponse.from(tokens);
  }

  clearRefreshCookie(reply: HttpReply): void {
    this.setRefreshCookie(reply, '', 0);
  }

  private setRefreshCookie(reply: HttpReply, value: string, maxAge: number): void {
    const attributes = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const;
    reply.header('set-cookie', stringifySetCookie({ name: REFRESH_COOKIE, value, maxAge, ...attributes }));
  }
}
