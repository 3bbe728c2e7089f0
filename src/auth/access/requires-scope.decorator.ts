import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { SCOPE_EXTENSION } from '../../common/openapi/document.js';
import type { Scope } from './scopes.js';

export const REQUIRED_SCOPE = 'auth:scope';

/** What a personal token must be for to be good here; without it, it never is. Says so in the documentation too. */
export const RequiresScope = (scope: Scope) =>
  applyDecorators(SetMetadata(REQUIRED_SCOPE, scope), ApiExtension(SCOPE_EXTENSION, scope));
