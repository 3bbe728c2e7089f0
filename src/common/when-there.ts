/**
 * Goes on at once with what is there already, and with what is still to come when it has come. For what every request
 * does: `await` makes promises also where there is nothing to wait for, and each one costs the request.
 */
export function whenThere<Value, Result>(
  value: Value | Promise<Value>,
  goOn: (value: Value) => Result,
): Result | Promise<Awaited<Result>> {
  return value instanceof Promise ? (value.then(goOn) as Promise<Awaited<Result>>) : goOn(value);
}
