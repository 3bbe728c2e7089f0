import { lruCache } from '../common/lru-cache.js';
import type { UnitOfWork } from './unit-of-work.js';

const MAXIMUM_ROWS = 20_000;

/**
 * Caches rows that every request reads, if this process is the only writer (SQLite). Otherwise it caches nothing, and
 * each `get` reads the database.
 */
export class RowCache<Key extends number | string, Row extends object> {
  private readonly rows = lruCache<Key, Readonly<Row>>(MAXIMUM_ROWS);
  /** Reads in progress. A patch removes the read of its key, because that read can return the old row. */
  private readonly reads = new Map<Key, Promise<Row | null>>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly read: (key: Key) => Promise<Row | null>,
  ) {}

  /** Returns the committed row. Concurrent calls for one key share a read. Do not call it inside a write. */
  async get(key: Key): Promise<Readonly<Row> | null> {
    if (this.unitOfWork.hasConcurrentWriters) return this.read(key);
    return this.rows.get(key) ?? this.reads.get(key) ?? this.load(key);
  }

  /**
   * Call it inside a write. It changes the cached row after the commit and before the write is acknowledged, so that
   * every request that starts after the acknowledgement sees the change.
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
