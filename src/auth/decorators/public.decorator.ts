import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { PUBLIC_EXTENSION } from '../../common/openapi/document.js';

export const IS_PUBLIC = 'auth:public';

/** Opens a route (or a controller's) to everybody; without it a token is needed. Says so in the documentation too. */
export const Public = () =>
  applyDecorators(SetMetadata(IS_PUBLIC, true), ApiExtension(PUBLIC_EXTENSION, true));
