import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { requestOf } from '../../common/http/request.js';
import type { Principal } from './principal.js';

/** The caller. It throws on a public route, because there is none. */
export const CurrentUser = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const { user } = requestOf<{ user?: Principal }>(context);
  if (user === undefined) throw new Error('@CurrentUser() on a public route');
  return user;
});
