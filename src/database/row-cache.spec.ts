import { Copies } from './row-cache.js';

interface Record {
  readonly id: number;
  readonly listVersion: number;
}

const user = (listVersion: number) => ({ id: 7, listVersion });

describe(Copies.name, () => {
  it('reads once, also for requests that arrive together', async () => {
    const copies = new Copies<number, Record>();
    const read = jest.fn(async () => user(1));
    expect(await Promise.all([copies.get(7, read), copies.get(7, read)])).toEqual([user(1), user(1)]);
    expect(await copies.get(7, read)).toEqual(user(1));
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('asks again for somebody who was not there', async () => {
    const copies = new Copies<number, Record>();
    expect(await copies.get(7, async () => null)).toBeNull();
    expect(await copies.get(7, async () => user(1))).toEqual(user(1));
  });

  it('shows a change from then on', async () => {
    const copies = new Copies<number, Record>();
    await copies.get(7, async () => user(1));
    copies.change(7, (before) => ({ ...before, listVersion: before.listVersion + 1 }));
    expect(await copies.get(7, async () => user(99))).toEqual(user(2));
    copies.change(7, () => null);
    expect(await copies.get(7, async () => null)).toBeNull();
  });

  it('does not keep what a read brings from before a change that was committed meanwhile', async () => {
    const copies = new Copies<number, Record>();
    let bring!: (found: Record) => void;
    const slow = copies.get(7, () => new Promise<Record>((resolve) => (bring = resolve)));
    copies.change(7, (before) => before);
    const fresh = copies.get(7, async () => user(2));
    bring(user(1));
    expect(await slow).toEqual(user(1));
    expect(await fresh).toEqual(user(2));
    expect(await copies.get(7, async () => user(99))).toEqual(user(2));
  });

  it('forgets a read that failed', async () => {
    const copies = new Copies<number, Record>();
    await expect(copies.get(7, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await copies.get(7, async () => user(1))).toEqual(user(1));
  });
});
