import { Controller, type ExecutionContext, Get } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Role } from '../../users/role.js';
import { RequiresRole } from '../access/requires-role.decorator.js';
import type { Principal } from '../access/principal.js';
import { RolesGuard } from './roles.guard.js';

@Controller()
class OpenController {
  @Get()
  forEveryone(): void {}

  @Get('admins')
  @RequiresRole('admin')
  forAdmins(): void {}
}

@RequiresRole('admin')
@Controller()
class AdminOnlyController {
  @Get()
  inherits(): void {}

  @Get('users')
  @RequiresRole('user')
  overrides(): void {}
}

const FORBIDDEN = {
  status: 403,
  code: 'FORBIDDEN',
  headers: { 'www-authenticate': expect.stringContaining('error="insufficient_scope"') },
};

describe(RolesGuard.name, () => {
  const guard = new RolesGuard(new Reflector());

  function enter(controller: object & { name: string }, handler: () => void, role?: Role): () => boolean {
    const user = role && ({ role } as Principal);
    return () =>
      guard.canActivate({
        getClass: () => controller,
        getHandler: () => handler,
        getArgByIndex: () => ({ user }),
      } as unknown as ExecutionContext);
  }

  const { forEveryone, forAdmins } = OpenController.prototype;
  const { inherits, overrides } = AdminOnlyController.prototype;

  it.each<[string, object & { name: string }, () => void, Role | undefined]>([
    ['a user on a route without a required role', OpenController, forEveryone, 'user'],
    ['an admin on a route without a required role', OpenController, forEveryone, 'admin'],
    ['an anonymous caller on a route without a required role', OpenController, forEveryone, undefined],
    ['an admin when the route requires one', OpenController, forAdmins, 'admin'],
    ['an admin when the controller requires one', AdminOnlyController, inherits, 'admin'],
    ['a user when the route requires less than its controller', AdminOnlyController, overrides, 'user'],
  ])('accepts %s', (_who, controller, handler, role) => {
    expect(enter(controller, handler, role)()).toBe(true);
  });

  it.each<[string, object & { name: string }, () => void, Role | undefined]>([
    ['a user when the route requires an admin', OpenController, forAdmins, 'user'],
    ['a user when the controller requires an admin', AdminOnlyController, inherits, 'user'],
    ['an anonymous caller when the route requires a role', OpenController, forAdmins, undefined],
    ['an admin when the route requires the role user', AdminOnlyController, overrides, 'admin'],
  ])('refuses %s', (_who, controller, handler, role) => {
    expect(enter(controller, handler, role)).toThrow(expect.objectContaining(FORBIDDEN));
  });
});
