import { AsyncVariable, withoutVariables } from './async-variable.js';

describe(AsyncVariable.name, () => {
  it('has its value in the work within `run`, at any depth and also later, and none outside', async () => {
    const colour = new AsyncVariable<string>();
    const size = new AsyncVariable<number>();
    const seen = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return [colour.get(), size.get()];
    };
    const inside = colour.run('red', () =>
      Promise.all([
        seen(),
        size.run(1, seen),
        size.run(1, () => colour.run('blue', seen)),
        size.run(1, () => withoutVariables(seen)),
      ]),
    );
    expect(await seen()).toEqual([undefined, undefined]);
    expect(await inside).toEqual([
      ['red', undefined],
      ['red', 1],
      ['blue', 1],
      [undefined, undefined],
    ]);
  });
});
