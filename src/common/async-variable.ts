import { AsyncLocalStorage } from 'node:async_hooks';

interface Setting {
  readonly variable: object;
  readonly value: unknown;
  readonly outer: Setting | undefined;
}

/** One storage for all variables, because before Node 24 each storage makes every promise slower. */
const settings = new AsyncLocalStorage<Setting | undefined>();

/** Has a value for the work in `run` and for everything that the work starts, also later. */
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

/** Runs `work` without a value in any variable. For work that continues after its request has ended. */
export function withoutVariables<Result>(work: () => Result): Result {
  return settings.run(undefined, work);
}
