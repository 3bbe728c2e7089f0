import type { EntityManager } from 'typeorm';

/** What the unit of work needs of a database; one implementation per kind. */
export interface Database {
  /** For reading outside transactions. */
  readonly reader: EntityManager;
  /** True where two transactions can run at once, so that a read-then-write must lock the rows it relies on. */
  readonly hasConcurrentWriters: boolean;
  /** Everything that `work` does with its manager happens, or nothing of it. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
  /** How many wait now for a connection or for their turn to write. */
  readonly waiting: number;
  /** @throws when the database cannot be read */
  ping(): Promise<void>;
  close(): Promise<void>;
}
