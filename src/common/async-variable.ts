import { AsyncLocalStorage } from 'node:async_hooks';

interface Setting {
  readonly variable: object;
  readonly value: unknown;
  readonly outer: Setting | undefined;
}

/** One for all variables: before Node 24 each storage has its share in the cost of every promise that is made. */
const settings = new AsyncLocalStorage<Setting | undefined>();

/** Has a value for what is called within `run`, and for what that calls, however much later. */
export class AsyncVariable<Value> {
  run<Result>(value: Value, work: () => Result): Result {
    return settings.run({ variable: this, value, outer: settings.getStore() }, work);
  }

  /** Undefined outside of any `run`. */
  get(): Value | undefined {
    let setting = settings.getStore();
    while (setting !== undefined && setting.variable !== this) setting = setting.outer;
    return setting?.value as Value | undefined;
  }
}

/** Runs `work` as if nobody had called it: no variable has a value. For what goes on after its caller has ended. */
export function withoutVariables<Result>(work: () => Result): Result {
  return settings.run(undefined, work);
}
