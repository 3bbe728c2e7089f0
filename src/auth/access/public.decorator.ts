import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { PUBLIC_EXTENSION } from '../../common/openapi/document.js';

export const ACCESS = 'auth:access';
/** `optional`: a request needs no token, but a token that it has must be valid. */
export type Access = 'public' | 'optional';

const open = (access: Access) =>
  applyDecorators(SetMetadata(ACCESS, access), ApiExtension(PUBLIC_EXTENSION, access));

/** Opens a route, or all routes of a controller, to callers without a token. Documents it too. */
export const Public = () => open('public');

/** Opens a route to callers without a token, and authenticates callers with one. Documents it too. */
export const TokenOptional = () => open('optional');
