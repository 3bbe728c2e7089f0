import { Injectable } from '@nestjs/common';
import {
  type EntityManager,
  IsNull,
  LessThan,
  LessThanOrEqual,
  MoreThan,
  Not,
  type ObjectLiteral,
} from 'typeorm';
import { createBatchLoader } from '../../database/batch-loader.js';
import { fromRow, insertRow } from '../../database/row-mapping.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { User } from '../../users/user.entity.js';
import type { ItemFields } from './item-fields.js';
import {
  batchedPagesStatement,
  batchKeyOf,
  canBeBatched,
  countsIn,
  type ItemPage,
  type ItemQuery,
  type OwnedItem,
  type OwnedQuery,
  pageStatement,
  totalOf,
} from './item-query.js';
import { sortProperty } from './item-sort.js';
import { derivedColumns } from './item-text.js';
import { type StoredItem, WatchlistItem } from './item.entity.js';

/** As many queries as one statement can hold. */
const MAXIMUM_BATCH = 32;

const LIST_VERSION = 'SELECT version FROM watchlists WHERE user_id = :userId';

type LoadPage = (query: OwnedQuery) => Promise<ItemPage>;

export interface ItemFigures {
  readonly averageRating: number | null;
  readonly added: number;
  readonly watched: number;
}

interface Neighbour {
  /** `after`: the next one, or the first of all. `before`: the one before, or the last of all. */
  readonly direction: 'before' | 'after';
  readonly of?: Pick<StoredItem, 'position'>;
}

interface PageRow extends ObjectLiteral {
  readonly id: number | null;
  readonly user_id: number;
  readonly owner_email?: string;
  readonly list_version: number | string;
}

@Injectable()
export class ItemsRepository {
  /** By `batchKeyOf`. */
  private readonly loaders = new Map<string, LoadPage>();
  private columns: string | undefined;

  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** A page of one owner's list. On PostgreSQL, requests that arrive together share a statement. */
  findPage(query: OwnedQuery): Promise<ItemPage> {
    // Only a write sees its own changes, so it cannot share a statement.
    const isShared =
      this.unitOfWork.hasConcurrentWriters && !this.unitOfWork.isWriting && canBeBatched(query);
    return isShared ? this.loaderFor(query)(query) : this.readPage(query, false);
  }

  findPageWithOwners(query: ItemQuery): Promise<ItemPage<OwnedItem>> {
    return this.readPage(query, true) as Promise<ItemPage<OwnedItem>>;
  }

  /** @param where `trash` finds only items in the trash, `both` finds any */
  find(
    id: number,
    ownerId: number | undefined,
    where: 'list' | 'trash' | 'both' = 'list',
  ): Promise<StoredItem | null> {
    const deletedAt = { list: IsNull(), trash: Not(IsNull()), both: undefined }[where];
    return this.unitOfWork.read((manager) =>
      manager.findOne(WatchlistItem, { where: { id, userId: ownerId, deletedAt } }),
    );
  }

  /** Reads the version from the list, so that the insert need not wait for the answer of the list's own statement. */
  insert(row: Omit<StoredItem, 'id' | 'version'>): Promise<number> {
    return this.unitOfWork.write((manager) =>
      insertRow<Omit<WatchlistItem, 'user'>, 'version'>(
        manager,
        WatchlistItem,
        { ...row, ...derivedColumns(row) },
        { version: LIST_VERSION },
      ),
    );
  }

  async update(id: number, change: ItemFields & Pick<StoredItem, 'updatedAt' | 'version'>): Promise<void> {
    await this.unitOfWork.write((manager) =>
      manager.update(WatchlistItem, { id }, { ...change, ...derivedColumns(change) }),
    );
  }

  /** Moves the item to the trash, or takes it out. */
  async move(id: number, change: Pick<StoredItem, 'deletedAt' | 'purgeAt' | 'version'>): Promise<void> {
    await this.unitOfWork.write((manager) => manager.update(WatchlistItem, { id }, change));
  }

  async delete(id: number): Promise<void> {
    await this.unitOfWork.write((manager) => manager.delete(WatchlistItem, { id }));
  }

  /** The owner of an item in the trash whose time is up; null when there is none. */
  async findOwnerToPurge(now: Date): Promise<number | null> {
    const item = await this.unitOfWork.read((manager) =>
      manager.findOne(WatchlistItem, {
        select: { userId: true },
        where: { purgeAt: LessThanOrEqual(now) },
        order: { purgeAt: 'ASC' },
      }),
    );
    return item?.userId ?? null;
  }

  /** @param until only items whose time is up then; all of the trash when left out */
  async deleteTrash(ownerId: number, until?: Date): Promise<number> {
    const { affected } = await this.unitOfWork.write((manager) =>
      manager.delete(WatchlistItem, {
        userId: ownerId,
        deletedAt: Not(IsNull()),
        ...(until && { purgeAt: LessThanOrEqual(until) }),
      }),
    );
    return affected ?? 0;
  }

  countTrash(ownerId: number): Promise<number> {
    return this.unitOfWork.read((manager) =>
      manager.countBy(WatchlistItem, { userId: ownerId, deletedAt: Not(IsNull()) }),
    );
  }

  private readPage(query: ItemQuery, withOwner: boolean): Promise<ItemPage> {
    return this.unitOfWork.read(async (manager) => {
      const columns = this.columnsOf(manager);
      const selected = withOwner ? `${columns}, owner.email AS owner_email` : columns;
      const { text, parameters } = pageStatement(prepared(manager, query), selected, { withOwner });
      const rows = (await manager.query(text, [...parameters])) as PageRow[];
      return pageFrom(manager, query, rows);
    });
  }

  /** Ratings and dates of the items on one list. */
  async findFigures(ownerId: number, since: Date): Promise<ItemFigures> {
    const [row] = await this.unitOfWork.read((manager) => {
      const { driver } = manager.connection;
      const { columns } = manager.connection.getMetadata(WatchlistItem);
      const column = columns.find(({ propertyName }) => propertyName === 'createdAt')!;
      return manager.query<[Record<string, unknown>]>(
        `SELECT AVG(rating) AS average, COUNT(CASE WHEN created_at >= $1 THEN 1 END) AS added,
          COUNT(CASE WHEN watched_at >= $1 THEN 1 END) AS watched
          FROM watchlist_items WHERE user_id = $2 AND deleted_at IS NULL`,
        [driver.preparePersistentValue(since, column), ownerId],
      );
    });
    const tenths = row['average'] === null ? null : Number(row['average']);
    return {
      averageRating: tenths === null ? null : Math.round(tenths) / 10,
      added: Number(row['added']),
      watched: Number(row['watched']),
    };
  }

  /** The tags of each item on one list that has any, newest item first. */
  async findTags(ownerId: number): Promise<readonly (readonly string[])[]> {
    const items = await this.unitOfWork.read((manager) =>
      manager.find(WatchlistItem, {
        select: { tags: true },
        where: { userId: ownerId, deletedAt: IsNull(), tagKeys: Not('') },
        order: { id: 'DESC' },
      }),
    );
    return items.map(({ tags }) => tags);
  }

  /** The item next to one in its owner's order, or the first or last item of the list. */
  findNeighbour(ownerId: number, place: Neighbour): Promise<Pick<StoredItem, 'id' | 'position'> | null> {
    const { direction, of } = place;
    return this.unitOfWork.read((manager) =>
      manager.findOne(WatchlistItem, {
        select: { id: true, position: true },
        where: {
          userId: ownerId,
          deletedAt: IsNull(),
          ...(of && { position: direction === 'after' ? MoreThan(of.position) : LessThan(of.position) }),
        },
        order: { position: direction === 'after' ? 'ASC' : 'DESC' },
      }),
    );
  }

  /** Gives the item a place in its owner's order. */
  async place(id: number, change: Pick<StoredItem, 'position' | 'version'>): Promise<void> {
    await this.unitOfWork.write((manager) => manager.update(WatchlistItem, { id }, change));
  }

  /** From the entity, so that a new column is selected without being listed again. */
  private columnsOf(manager: EntityManager): string {
    this.columns ??= manager.connection
      .getMetadata(WatchlistItem)
      .columns.filter(({ isSelect }) => isSelect)
      .map(({ databaseName }) => `item.${databaseName}`)
      .join(', ');
    return this.columns;
  }

  private loaderFor(query: OwnedQuery): LoadPage {
    const key = batchKeyOf(query);
    let loader = this.loaders.get(key);
    if (loader === undefined) {
      loader = createBatchLoader((queries) => this.readPages(queries), MAXIMUM_BATCH);
      this.loaders.set(key, loader);
    }
    return loader;
  }

  private readPages(queries: readonly OwnedQuery[]): Promise<ItemPage[]> {
    return this.unitOfWork.read(async (manager) => {
      const { text, parameters } = batchedPagesStatement(queries, this.columnsOf(manager));
      const rows = (await manager.query(text, [...parameters])) as (PageRow & { readonly place: string })[];
      const rowsOf: PageRow[][] = queries.map(() => []);
      for (const row of rows) rowsOf[Number(row.place) - 1]!.push(row);
      return queries.map((query, index) => pageFrom(manager, query, rowsOf[index]!));
    });
  }
}

/** The query with its position as the database has it. */
function prepared(manager: EntityManager, query: ItemQuery): ItemQuery {
  if (query.after === undefined || query.after.value === null) return query;
  const { driver } = manager.connection;
  const column = manager.connection
    .getMetadata(WatchlistItem)
    .findColumnWithPropertyName(sortProperty(query.sort))!;
  return {
    ...query,
    after: { ...query.after, value: driver.preparePersistentValue(query.after.value, column) as unknown },
  };
}

/** @param rows at least one, which has no item when the page is empty */
function pageFrom(manager: EntityManager, { filter, limit }: ItemQuery, rows: readonly PageRow[]): ItemPage {
  const [first] = rows as [PageRow];
  const counts = countsIn(first);
  const items = rows.filter(({ id }) => id !== null);
  return {
    rows: items.slice(0, limit).map((row) => itemFrom(manager, row)),
    hasMore: items.length > limit,
    total: totalOf(counts, filter),
    counts,
    version: Number(first.list_version),
  };
}

function itemFrom(manager: EntityManager, row: PageRow): WatchlistItem {
  const item = fromRow(manager, WatchlistItem, row);
  if (row.owner_email !== undefined) item.user = { id: row.user_id, email: row.owner_email } as User;
  return item;
}
