import { Controller, type ExecutionContext, Get, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { RateLimitGuard } from '../../common/rate-limit/rate-limit.guard.js';
import { throttlerOptions } from '../../common/rate-limit/rate-limit.module.js';
import { Public } from '../access/public.decorator.js';
import { RequiresRole } from '../access/requires-role.decorator.js';
import { RequiresScope } from '../access/requires-scope.decorator.js';
import { JwtAuthGuard } from './jwt-auth.guard.js';
import { RolesGuard } from './roles.guard.js';
import { ScopesGuard } from './scopes.guard.js';

class Routes {
  @Get()
  route(): void {}
}

@Public()
@RequiresScope('items:read')
@RateLimitPolicy('list')
@Controller('open')
class OpenController extends Routes {}

@RequiresRole('admin')
@RateLimitPolicy('login')
@Controller('admins')
class AdminsController extends Routes {}

/** The same handler, called through one controller or the other. */
const call = (controller: Type, request: object) =>
  ({
    getClass: () => controller,
    getHandler: () => controller.prototype.route as unknown,
    getArgByIndex: (index: number) => (index === 0 ? request : { headers: () => undefined }),
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => ({}) }),
  }) as unknown as ExecutionContext;

describe('a route that two controllers inherit', () => {
  const reflector = new Reflector();

  it('needs a role only in the controller that requires it', () => {
    const guard = new RolesGuard(reflector);
    const user = { role: 'user', scopes: null };
    expect(guard.canActivate(call(OpenController, { user }))).toBe(true);
    expect(() => guard.canActivate(call(AdminsController, { user }))).toThrow(
      expect.objectContaining({ status: 403 }),
    );
  });

  it('accepts a personal token only in the controller that has a scope', () => {
    const guard = new ScopesGuard(reflector);
    const user = { role: 'user', scopes: ['items:read'] };
    expect(guard.canActivate(call(OpenController, { user }))).toBe(true);
    expect(() => guard.canActivate(call(AdminsController, { user }))).toThrow(
      expect.objectContaining({ status: 403 }),
    );
  });

  it('is public only in the controller that says so', async () => {
    const ended = { resolveSession: () => Promise.resolve(null) };
    const known = { find: () => ({ userId: 1, sessionId: 'ended' }) };
    const guard = new JwtAuthGuard(reflector, ended as never, known as never);
    const headers = { authorization: 'Bearer of.a.session-that-ended' };
    await expect(Promise.resolve(guard.canActivate(call(OpenController, { headers })))).resolves.toBe(true);
    await expect(guard.canActivate(call(AdminsController, { headers }))).rejects.toMatchObject({
      status: 401,
    });
  });

  it('counts against the policy of the controller', async () => {
    const keys: string[] = [];
    const storage = {
      increment: (key: string) => {
        keys.push(key);
        return Promise.resolve({ isBlocked: false, state: { allowed: true, remaining: 1, resetMs: 1 } });
      },
    } as never;
    const rule = { limit: 2, windowSeconds: 1 };
    const env = { RATE_LIMIT_LIST: rule, RATE_LIMIT_LOGIN: rule } as never;
    const options = throttlerOptions(env, storage, reflector);
    const guard = new RateLimitGuard(options, storage, reflector, null);
    await guard.onModuleInit();
    await guard.canActivate(call(OpenController, { user: { rateLimitKey: 'user:1' } }));
    await guard.canActivate(call(AdminsController, { user: { rateLimitKey: 'user:1' } }));
    expect(keys).toEqual(['list:user:1', 'login:user:1']);
  });
});
