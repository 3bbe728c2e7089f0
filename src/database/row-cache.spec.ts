import { RowCache } from './row-cache.js';
import type { UnitOfWork } from './unit-of-work.js';

interface User {
  readonly id: number;
  readonly listVersion: number;
}

const user = (listVersion: number): User => ({ id: 7, listVersion });

describe(RowCache.name, () => {
  const read = jest.fn<Promise<User | null>, []>();
  beforeEach(() => read.mockReset());

  /** A write commits as soon as it asks for its callback. */
  const cacheFor = ({ hasConcurrentWriters = false } = {}) =>
    new RowCache<number, User>(
      { hasConcurrentWriters, afterCommit: (callback: () => void) => callback() } as unknown as UnitOfWork,
      read,
    );

  it('reads a row once, also for concurrent requests', async () => {
    const cache = cacheFor();
    read.mockResolvedValue(user(1));
    expect(await Promise.all([cache.get(7), cache.get(7)])).toEqual([user(1), user(1)]);
    expect(await cache.get(7)).toEqual(user(1));
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('reads every time where other processes write to the database too', async () => {
    const cache = cacheFor({ hasConcurrentWriters: true });
    read.mockResolvedValueOnce(user(1)).mockResolvedValueOnce(user(2));
    expect(await cache.get(7)).toEqual(user(1));
    cache.patch(7, () => null);
    expect(await cache.get(7)).toEqual(user(2));
  });

  it('reads again after the row was missing', async () => {
    const cache = cacheFor();
    read.mockResolvedValueOnce(null).mockResolvedValueOnce(user(1));
    expect(await cache.get(7)).toBeNull();
    expect(await cache.get(7)).toEqual(user(1));
  });

  it('returns the patched row, and reads again after the row is gone', async () => {
    const cache = cacheFor();
    read.mockResolvedValueOnce(user(1)).mockResolvedValueOnce(null);
    await cache.get(7);
    cache.patch(7, (before) => ({ ...before, listVersion: before.listVersion + 1 }));
    expect(await cache.get(7)).toEqual(user(2));
    cache.patch(7, () => null);
    expect(await cache.get(7)).toBeNull();
  });

  it('does not keep a row that was read before a commit changed it', async () => {
    const cache = cacheFor();
    let finish!: (found: User) => void;
    read.mockReturnValueOnce(new Promise((resolve) => (finish = resolve))).mockResolvedValueOnce(user(2));
    const slow = cache.get(7);
    cache.patch(7, (before) => before);
    const fresh = cache.get(7);
    finish(user(1));
    expect(await slow).toEqual(user(1));
    expect(await fresh).toEqual(user(2));
    expect(await cache.get(7)).toEqual(user(2));
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('reads again after a read failed', async () => {
    const cache = cacheFor();
    read.mockRejectedValueOnce(new Error('away')).mockResolvedValueOnce(user(1));
    await expect(cache.get(7)).rejects.toThrow('away');
    expect(await cache.get(7)).toEqual(user(1));
  });
});
