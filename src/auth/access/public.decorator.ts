import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { PUBLIC_EXTENSION } from '../../common/openapi/document.js';

export const ACCESS = 'auth:access';
/** `optional`: nothing is needed, but a token that comes must be good. */
export type Access = 'public' | 'optional';

const open = (access: Access) =>
  applyDecorators(SetMetadata(ACCESS, access), ApiExtension(PUBLIC_EXTENSION, access));

/** Opens a route (or a controller's) to everybody; without it a token is needed. Says so in the documentation too. */
export const Public = () => open('public');

/** As {@link Public}; who sends a token is known nevertheless, and refused if it is not valid. */
export const TokenOptional = () => open('optional');
