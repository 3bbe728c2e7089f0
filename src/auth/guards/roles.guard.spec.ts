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
    ['a user, where no role is asked for', OpenController, forEveryone, 'user'],
    ['an admin, where no role is asked for', OpenController, forEveryone, 'admin'],
    ['somebody who is not signed in, where no role is asked for', OpenController, forEveryone, undefined],
    ['an admin, where the route asks for one', OpenController, forAdmins, 'admin'],
    ['an admin, where the controller asks for one', AdminOnlyController, inherits, 'admin'],
    ['a user, where the route asks for less than its controller', AdminOnlyController, overrides, 'user'],
  ])('lets in %s', (_who, controller, handler, role) => {
    expect(enter(controller, handler, role)()).toBe(true);
  });

  it.each<[string, object & { name: string }, () => void, Role | undefined]>([
    ['a user, where the route asks for an admin', OpenController, forAdmins, 'user'],
    ['a user, where the controller asks for an admin', AdminOnlyController, inherits, 'user'],
    ['somebody who is not signed in, where a role is asked for', OpenController, forAdmins, undefined],
    ['an admin, where exactly a user is asked for', AdminOnlyController, overrides, 'admin'],
  ])('refuses %s', (_who, controller, handler, role) => {
    expect(enter(controller, handler, role)).toThrow(expect.objectContaining(FORBIDDEN));
  });
});
