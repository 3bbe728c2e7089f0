import type { EntityManager } from 'typeorm';

/** The unit of work uses a database through this. PostgreSQL and SQLite each have an implementation. */
export interface DatabaseDriver {
  /** For reading outside transactions. */
  readonly reader: EntityManager;
  /** True where two transactions can run at once, so that a read-then-write must lock the rows it relies on. */
  readonly hasConcurrentWriters: boolean;
  /** Runs `work` in one transaction, all or nothing. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
  /** How many callers wait for a connection or for their turn to write. */
  readonly waiting: number;
  /** Makes a small write. @throws when the database would not accept writes */
  ping(): Promise<void>;
  close(): Promise<void>;
}
