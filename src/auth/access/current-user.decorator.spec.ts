import { Controller, type ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { Principal } from './principal.js';
import { CurrentUser } from './current-user.decorator.js';

@Controller()
class SomeController {
  handle(@CurrentUser() _user: Principal): void {}
}

/** Nest calls this to fill in the parameter. */
function resolve(request: object): unknown {
  const [parameter] = Object.values(
    Reflect.getMetadata(ROUTE_ARGS_METADATA, SomeController, 'handle') as Record<
      string,
      { factory(data: unknown, context: ExecutionContext): unknown }
    >,
  );
  return parameter!.factory(undefined, new ExecutionContextHost([request]));
}

describe(`@${CurrentUser.name}()`, () => {
  it('is who is signed in', () => {
    const user = { id: 1 };
    expect(resolve({ user })).toBe(user);
  });

  it('throws on a public route', () => {
    expect(() => resolve({})).toThrow('@CurrentUser() does not work on a public route');
  });
});
