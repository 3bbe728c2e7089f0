import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import type { Role } from '../../users/role.js';
import { ForbiddenError } from './auth.errors.js';

export const REQUIRED_ROLE = 'auth:role';

/** Allows only users with this role. Also documents the 403 response. */
export const RequiresRole = (role: Role) =>
  applyDecorators(SetMetadata(REQUIRED_ROLE, role), ApiProblems(new ForbiddenError()));
