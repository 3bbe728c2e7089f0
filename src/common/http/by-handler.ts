import type { ExecutionContext } from '@nestjs/common';

/** What a route's decorators say never changes: asked once per handler, not at every request. */
export function byHandler<T>(ask: (context: ExecutionContext) => T): (context: ExecutionContext) => T {
  const answers = new WeakMap<object, { answer: T }>();
  return (context) => {
    const handler = context.getHandler();
    let known = answers.get(handler);
    if (known === undefined) {
      known = { answer: ask(context) };
      answers.set(handler, known);
    }
    return known.answer;
  };
}
