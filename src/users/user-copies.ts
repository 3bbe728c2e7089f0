import { LRUCache } from 'lru-cache';
import type { Standing } from './user.entity.js';

const MAXIMUM_COPIES = 20_000;

/**
 * Users as they stand in the database, in this process's memory. Only true where this process alone writes to the
 * database; there it saves the read that every request begins with. Each change is made here too when its
 * transaction has been committed and before it is acknowledged, so a request that begins after the acknowledgement
 * sees it.
 */
export class UserCopies {
  private readonly copies = new LRUCache<number, Readonly<Standing>>({ max: MAXIMUM_COPIES });
  /** Reads that are under way. A change meanwhile forgets them: what they bring may be from before it. */
  private readonly reads = new Map<number, Promise<Standing | null>>();

  /** The copy, or what `read` finds; requests for one user that arrive together share one read. */
  async get(id: number, read: (id: number) => Promise<Standing | null>): Promise<Standing | null> {
    const copy = this.copies.get(id);
    if (copy !== undefined) return copy;
    const underWay = this.reads.get(id);
    if (underWay !== undefined) return underWay;
    const reading = read(id);
    this.reads.set(id, reading);
    try {
      const user = await reading;
      if (user !== null && this.reads.get(id) === reading) this.copies.set(id, user);
      return user;
    } finally {
      if (this.reads.get(id) === reading) this.reads.delete(id);
    }
  }

  /** After a commit that changed this user; null: who is gone. */
  change(id: number, apply: (user: Readonly<Standing>) => Standing | null): void {
    this.reads.delete(id);
    const copy = this.copies.get(id);
    if (copy === undefined) return;
    const changed = apply(copy);
    if (changed === null) this.copies.delete(id);
    else this.copies.set(id, changed);
  }
}
