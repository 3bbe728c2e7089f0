import { lruCache } from '../common/lru-cache.js';

const MAXIMUM_COPIES = 20_000;

/**
 * Records as they stand in the database, in this process's memory. Only true where this process alone writes to the
 * database; there it saves the reads that every request begins with. Each change is made here too when its
 * transaction has been committed and before it is acknowledged, so a request that begins after the acknowledgement
 * sees it.
 */
export class Copies<Key extends number | string, Row extends object> {
  private readonly copies = lruCache<Key, Readonly<Row>>(MAXIMUM_COPIES);
  /** Reads that are under way. A change meanwhile forgets them: what they bring may be from before it. */
  private readonly reads = new Map<Key, Promise<Row | null>>();

  /** The copy, at once, or what `read` finds; requests for one record that arrive together share one read. */
  get(id: Key, read: (id: Key) => Promise<Row | null>): Row | Promise<Row | null> {
    return this.copies.get(id) ?? this.find(id, read);
  }

  private async find(id: Key, read: (id: Key) => Promise<Row | null>): Promise<Row | null> {
    const underWay = this.reads.get(id);
    if (underWay !== undefined) return underWay;
    const reading = read(id);
    this.reads.set(id, reading);
    try {
      const row = await reading;
      if (row !== null && this.reads.get(id) === reading) this.copies.set(id, row);
      return row;
    } finally {
      if (this.reads.get(id) === reading) this.reads.delete(id);
    }
  }

  /** After a commit that changed this record; null: it is gone. */
  change(id: Key, apply: (row: Readonly<Row>) => Row | null): void {
    this.reads.delete(id);
    const copy = this.copies.get(id);
    if (copy === undefined) return;
    const changed = apply(copy);
    if (changed === null) this.copies.delete(id);
    else this.copies.set(id, changed);
  }
}
