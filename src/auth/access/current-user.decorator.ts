import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { requestOf } from '../../common/http/request.js';
import type { Principal } from './principal.js';

/** The authenticated caller. Throws on a public route, so that it is never undefined. */
export const CurrentUser = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const { user } = requestOf<{ user?: Principal }>(context);
  if (user === undefined) throw new Error('@CurrentUser() does not work on a public route');
  return user;
});
