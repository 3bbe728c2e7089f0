import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { SCOPE_EXTENSION } from '../../common/openapi/document.js';
import type { Scope } from './scopes.js';

export const REQUIRED_SCOPE = 'auth:scope';

/** Allows personal tokens that have this scope. A route without it accepts none. Also documents the scope. */
export const RequiresScope = (scope: Scope) =>
  applyDecorators(SetMetadata(REQUIRED_SCOPE, scope), ApiExtension(SCOPE_EXTENSION, scope));
