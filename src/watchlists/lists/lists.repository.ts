import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { createBatchLoader } from '../../database/batch-loader.js';
import { RowCache } from '../../database/row-cache.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { COUNTED_GROUPS, countsIn, type ListCounts } from './list-counts.js';
import { Watchlist } from './list.entity.js';

const COLUMNS = COUNTED_GROUPS;

/**
 * The owner's row is locked before the list's, because erasing an account does the same: in another order the two would
 * deadlock. Not `KEY SHARE`: writers would pass it together, and an erasure could wait for the last of them for ever.
 */
const ownerCte = (lock: string) => `WITH owner AS (SELECT id FROM users WHERE id = $1 ${lock})`;
const IN_TURN = 'FOR NO KEY UPDATE';

/** Without an owner, and so without a row, when the account does not exist. */
const bumpWith = (lock: string) => `${ownerCte(lock)}
  INSERT INTO watchlists (user_id, version, ${COLUMNS.join(', ')})
  SELECT id, 1, ${COLUMNS.map((_column, index) => `$${index + 2}`).join(', ')} FROM owner WHERE true
  ON CONFLICT (user_id) DO UPDATE SET version = watchlists.version + 1,
    ${COLUMNS.map((column) => `${column} = watchlists.${column} + excluded.${column}`).join(', ')}
  RETURNING version`;

const LOCK = `${ownerCte(IN_TURN)}
  SELECT version FROM watchlists WHERE user_id = (SELECT id FROM owner) FOR UPDATE`;

const VERSIONS = 'SELECT user_id, version FROM watchlists WHERE user_id = ANY($1)';
const SUMS = `SELECT ${COLUMNS.map((column) => `SUM(${column}) AS ${column}`).join(', ')} FROM watchlists`;

interface Versioned {
  readonly version: number;
}

@Injectable()
export class ListsRepository {
  private readonly versions: RowCache<number, Versioned>;
  private readonly bumpSql: string;

  constructor(private readonly unitOfWork: UnitOfWork) {
    // SQLite keeps versions in memory; on PostgreSQL, requests that arrive together share a statement.
    const batched = createBatchLoader<number, Versioned>((ids) => this.readVersions(ids));
    this.versions = new RowCache(unitOfWork, (id) =>
      unitOfWork.hasConcurrentWriters ? batched(id) : this.readVersion(id),
    );
    this.bumpSql = bumpWith(unitOfWork.hasConcurrentWriters ? IN_TURN : '');
  }

  /** As committed at the moment of the call. Not within a write. */
  async findVersion(ownerId: number): Promise<number> {
    const list = await this.versions.get(ownerId);
    return list!.version;
  }

  /**
   * Raises the version, adds to the counts, and holds the list until the transaction ends.
   *
   * @returns the new version; null when there is no such owner
   */
  bump(ownerId: number, growth: ListCounts): Promise<number | null> {
    return this.unitOfWork.write(async (manager) => {
      const counts = COUNTED_GROUPS.map((group) => growth[group]);
      const rows = (await manager.query(this.bumpSql, [ownerId, ...counts])) as Versioned[];
      const version = rows[0]?.version ?? null;
      if (version !== null) this.versions.patch(ownerId, () => ({ version }));
      return version;
    });
  }

  /** Holds the list until the transaction ends, where another transaction could otherwise change it meanwhile. */
  async lock(ownerId: number): Promise<void> {
    if (!this.unitOfWork.hasConcurrentWriters) return;
    await this.unitOfWork.write((manager) => manager.query(LOCK, [ownerId]));
  }

  async sumCounts(): Promise<ListCounts> {
    const [sums] = await this.unitOfWork.read(
      (manager) => manager.query(SUMS) as Promise<Record<string, unknown>[]>,
    );
    return countsIn(sums);
  }

  async findCounts(ownerIds: readonly number[]): Promise<Map<number, ListCounts>> {
    const rows = await this.unitOfWork.read((manager) =>
      manager
        .createQueryBuilder(Watchlist, 'list')
        .select(['user_id', ...COLUMNS])
        .where({ userId: In(ownerIds) })
        .getRawMany<{ readonly user_id: number }>(),
    );
    return new Map(rows.map((row) => [row.user_id, countsIn({ ...row })]));
  }

  private async readVersion(ownerId: number): Promise<Versioned> {
    const list = await this.unitOfWork.read((manager) => manager.findOneBy(Watchlist, { userId: ownerId }));
    return { version: list?.version ?? 0 };
  }

  private async readVersions(ownerIds: readonly number[]): Promise<Versioned[]> {
    const rows = await this.unitOfWork.read(
      (manager) => manager.query(VERSIONS, [ownerIds]) as Promise<(Versioned & { user_id: number })[]>,
    );
    const versions = new Map(rows.map(({ user_id, version }) => [user_id, version]));
    return ownerIds.map((id) => ({ version: versions.get(id) ?? 0 }));
  }
}
