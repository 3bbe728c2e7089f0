import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { byHandler } from '../common/http/by-handler.js';
import type { HttpRequest } from '../common/http/caller.js';
import { UnauthorizedError } from './auth.errors.js';
import { IS_PUBLIC } from './decorators/public.decorator.js';
import { bearerToken, JwtStrategy } from './jwt.strategy.js';
import type { Principal } from './principal.js';
import { Principals } from './principals.js';
import { VerifiedTokens } from './verified-tokens.js';

/** RFC 6750 tells a bad token from none at all; another scheme's credentials are no token. */
const BEARER_SCHEME = /^Bearer( |$)/i;

/** Closed by default: every route without `@Public()` needs a valid access token. */
@Injectable()
export class JwtAuthGuard extends AuthGuard() {
  private readonly isPublic: (context: ExecutionContext) => boolean;

  constructor(
    reflector: Reflector,
    strategy: JwtStrategy,
    private readonly principals: Principals,
    private readonly verified: VerifiedTokens,
  ) {
    super({
      // Not by its name: passport's list of names is the process's, and a second server in it would answer for this
      // one. A copy for each request, as passport itself makes of what it finds by name.
      get defaultStrategy() {
        return Object.create(strategy) as never;
      },
    });
    this.isPublic = byHandler(
      (context) =>
        reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()]) === true,
    );
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const token = bearerToken(request);
    const userId = token === null ? undefined : this.verified.userIdOf(token);
    // passport checks what is seen for the first time.
    if (userId === undefined) return super.canActivate(context) as Promise<boolean>;
    const principal = await this.principals.find(userId);
    if (principal === null) throw new UnauthorizedError(true);
    request.user = principal;
    return true;
  }

  /** A database that is away is not the caller's fault: that error stays what it is. Everything else is one 401. */
  override handleRequest<TUser = Principal>(
    error: unknown,
    user: TUser | false,
    _info: unknown,
    context: ExecutionContext,
  ): TUser {
    if (error) throw error;
    if (!user) {
      const { authorization } = context.switchToHttp().getRequest<HttpRequest>().headers;
      throw new UnauthorizedError(BEARER_SCHEME.test(authorization ?? ''));
    }
    return user;
  }
}
