import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { type HttpRequest, requestOf } from '../../common/http/request.js';
import { UnauthorizedError } from '../access/auth.errors.js';
import type { Principal } from '../access/principal.js';
import { type Access, ACCESS } from '../access/public.decorator.js';
import { isBearer, jwtIn, personalTokenIn } from './bearer-token.js';
import { PrincipalResolver } from './principal-resolver.js';
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.js';

/** Where passport puts the token that it has verified. `user` is the principal. */
interface AuthenticatedRequest extends HttpRequest {
  verifiedToken?: VerifiedToken;
}

/** Closed by default: every route without `@Public()` or `@TokenOptional()` needs a valid token. */
@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {
  constructor(
    private readonly reflector: Reflector,
    private readonly principals: PrincipalResolver,
    private readonly verified: VerifiedTokens,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'public') return true;
    const request = requestOf<AuthenticatedRequest>(context);
    const { authorization } = request.headers;
    if (access === 'optional' && authorization === undefined) return true;
    const principal = await this.authenticate(request, context);
    if (principal === null) throw new UnauthorizedError(true);
    request.user = principal;
    return true;
  }

  override getAuthenticateOptions(): { property: keyof AuthenticatedRequest } {
    return { property: 'verifiedToken' };
  }

  /** An error is the server's, such as a database that is down. Every refusal of a token is one and the same 401. */
  override handleRequest<Token>(
    error: unknown,
    token: Token | false,
    _info: unknown,
    context: ExecutionContext,
  ): Token {
    if (error) throw error;
    if (!token) throw new UnauthorizedError(isBearer(requestOf(context).headers.authorization));
    return token;
  }

  private async authenticate(
    request: AuthenticatedRequest,
    context: ExecutionContext,
  ): Promise<Principal | null> {
    const { authorization } = request.headers;
    const personalToken = personalTokenIn(authorization);
    if (personalToken !== null) return this.principals.resolvePersonalToken(personalToken);
    const known = this.verified.find(authorization);
    if (known !== undefined) return this.principals.resolveSession(known);
    await super.canActivate(context);
    const token = request.verifiedToken!;
    this.verified.remember(jwtIn(authorization)!, token);
    return this.principals.resolveSession(token);
  }
}
