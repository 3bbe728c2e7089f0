import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { requestOf } from '../../common/http/request.js';
import type { Scope } from '../access/scopes.js';
import { missingScopeError } from '../access/auth.errors.js';
import { REQUIRED_SCOPE } from '../access/requires-scope.decorator.js';
import type { Principal } from '../access/principal.js';

/** Closed by default: only routes with `@RequiresScope()` accept a personal token. */
@Injectable()
export class ScopesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { user } = requestOf<{ user?: Principal }>(context);
    if (user === undefined || user.scopes === null) return true;
    const required = this.reflector.getAllAndOverride<Scope | undefined>(REQUIRED_SCOPE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (required === undefined || !user.scopes.includes(required)) throw missingScopeError(required);
    return true;
  }
}
