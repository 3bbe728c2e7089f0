import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { type HttpRequest, requestOf } from '../../common/http/request.js';
import { UnauthorizedError } from '../access/auth.errors.js';
import { type Access, ACCESS } from '../access/public.decorator.js';
import { JwtStrategy, personalToken } from './jwt.strategy.js';
import type { Principal } from '../access/principal.js';
import { Principals } from './principal-resolver.js';
import { VerifiedTokens } from './verified-tokens.js';

/** RFC 6750 tells a bad token from none at all; another scheme's credentials are no token. */
const BEARER_SCHEME = /^Bearer( |$)/i;

/** Closed by default: every route without `@Public()` or `@TokenOptional()` needs a valid token. */
@Injectable()
export class JwtAuthGuard extends AuthGuard() {
  constructor(
    private readonly reflector: Reflector,
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
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'public') return true;
    const request = requestOf(context);
    const { authorization } = request.headers;
    if (access === 'optional' && authorization === undefined) return true;
    const verified = authorization === undefined ? undefined : this.verified.find(authorization);
    if (verified !== undefined) return admit(request, await this.principals.find(verified));
    const personal = personalToken(request);
    if (personal !== null) return admit(request, await this.principals.findByPersonalToken(personal));
    // passport checks what is seen for the first time.
    return super.canActivate(context) as Promise<boolean>;
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
      const { authorization } = requestOf(context).headers;
      throw new UnauthorizedError(BEARER_SCHEME.test(authorization ?? ''));
    }
    return user;
  }
}

function admit(request: HttpRequest, principal: Principal | null): true {
  if (principal === null) throw new UnauthorizedError(true);
  request.user = principal;
  return true;
}
