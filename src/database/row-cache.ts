import { lruCache } from '../common/lru-cache.js';
import type { UnitOfWork } from './unit-of-work.js';

const MAXIMUM_ROWS = 20_000;

/**
 * Keeps rows that every request reads in this process's memory, where this process alone writes to the database
 * (SQLite). Elsewhere it keeps nothing, and each `get` reads.
 */
export class RowCache<Key extends number | string, Row extends object> {
  private readonly rows = lruCache<Key, Readonly<Row>>(MAXIMUM_ROWS);
  /** Reads in progress. A patch removes the read of its key, because that read can return the row as it was before. */
  private readonly reads = new Map<Key, Promise<Row | null>>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly read: (key: Key) => Promise<Row | null>,
  ) {}

  /** The row as it is committed now. Concurrent calls for one key share a read. Not within a write. */
  async get(key: Key): Promise<Readonly<Row> | null> {
    if (this.unitOfWork.hasConcurrentWriters) return this.read(key);
    return this.rows.get(key) ?? this.reads.get(key) ?? this.load(key);
  }

  /**
   * Within a write: applies the same change to the kept row, after the commit and before the write is acknowledged.
   * A request that starts after the acknowledgement therefore sees it.
   *
   * @param apply returns null when the row is gone
   */
  patch(key: Key, apply: (row: Readonly<Row>) => Row | null): void {
    if (this.unitOfWork.hasConcurrentWriters) return;
    this.unitOfWork.afterCommit(() => {
      this.reads.delete(key);
      const row = this.rows.get(key);
      if (row === undefined) return;
      const patched = apply(row);
      if (patched === null) this.rows.delete(key);
      else this.rows.set(key, patched);
    });
  }

  private async load(key: Key): Promise<Row | null> {
    const reading = this.read(key);
    this.reads.set(key, reading);
    try {
      const row = await reading;
      if (row !== null && this.reads.get(key) === reading) this.rows.set(key, row);
      return row;
    } finally {
      if (this.reads.get(key) === reading) this.reads.delete(key);
    }
  }
}
