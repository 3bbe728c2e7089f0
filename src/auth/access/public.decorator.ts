import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { PUBLIC_EXTENSION } from '../../common/openapi/document.js';

export const ACCESS = 'auth:access';
/** `optional`: the caller needs no token, but a token that it sends must be valid. */
export type Access = 'public' | 'optional';

const openRoute = (access: Access) =>
  applyDecorators(SetMetadata(ACCESS, access), ApiExtension(PUBLIC_EXTENSION, access));

/** Opens a route, or all routes of a controller, to callers without a token. Also marks it in the API document. */
export const Public = () => openRoute('public');

/** Like {@link Public}, but a token that the caller sends is checked and identifies the caller. */
export const TokenOptional = () => openRoute('optional');
