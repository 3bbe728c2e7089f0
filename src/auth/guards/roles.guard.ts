import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Role } from '../../users/role.js';
import { requestOf } from '../../common/http/request.js';
import { ForbiddenError } from '../access/auth.errors.js';
import { REQUIRED_ROLE } from '../access/requires-role.decorator.js';
import type { Principal } from '../access/principal.js';

@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const required = this.reflector.getAllAndOverride<Role | undefined>(REQUIRED_ROLE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (required === undefined) return true;
    const { user } = requestOf<{ user?: Principal }>(context);
    if (user?.role !== required) throw new ForbiddenError();
    return true;
  }
}
