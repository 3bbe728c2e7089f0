import { Injectable } from '@nestjs/common';
import type { EntityManager, ObjectLiteral } from 'typeorm';
import type { Page } from '../../common/pagination/page.query.js';
import { createBatchLoader } from '../../database/batch-loader.js';
import { fromRow, insertRow } from '../../database/row-mapping.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { User } from '../../users/user.entity.js';
import type { ItemFields } from './item-fields.js';
import {
  batchedPagesStatement,
  batchKeyOf,
  type ItemQuery,
  pageStatement,
  type PlainListQuery,
  totalStatement,
} from './item-query.js';
import { type StoredItem, WatchlistItem } from './item.entity.js';
import { titleKey } from './title-key.js';

/** As many queries as one statement can hold. */
const MAXIMUM_BATCH = 32;

const LIST_VERSION = 'SELECT version FROM watchlists WHERE user_id = :userId';

type OwnedItem = StoredItem & Pick<WatchlistItem, 'user'>;
type LoadPage = (query: PlainListQuery) => Promise<Page<StoredItem>>;

interface PageRow extends ObjectLiteral {
  readonly id: number | null;
  readonly user_id: number;
  readonly owner_email?: string;
  readonly total: number | string;
}

@Injectable()
export class ItemsRepository {
  /** By `batchKeyOf`. */
  private readonly loaders = new Map<string, LoadPage>();
  private columns: string | undefined;

  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** A page of one owner's list. On PostgreSQL, requests that arrive together share a statement. */
  findPlainPage(query: PlainListQuery): Promise<Page<StoredItem>> {
    // Only a write sees its own changes, so it cannot share a statement.
    const canBatch = this.unitOfWork.hasConcurrentWriters && !this.unitOfWork.isWriting;
    return canBatch ? this.loaderFor(query)(query) : this.findPage(query);
  }

  findPage(query: ItemQuery): Promise<Page<StoredItem>> {
    return this.readPage(query, false);
  }

  findPageWithOwners(query: ItemQuery): Promise<Page<OwnedItem>> {
    return this.readPage(query, true) as Promise<Page<OwnedItem>>;
  }

  find(id: number, ownerId?: number): Promise<StoredItem | null> {
    return this.unitOfWork.read((manager) =>
      manager.findOne(WatchlistItem, { where: { id, userId: ownerId } }),
    );
  }

  /** Reads the version from the list, so that the insert need not wait for the answer of the list's own statement. */
  insert(row: Omit<StoredItem, 'id' | 'version'>): Promise<number> {
    return this.unitOfWork.write((manager) =>
      insertRow<Omit<WatchlistItem, 'user'>, 'version'>(
        manager,
        WatchlistItem,
        { ...row, titleKey: titleKey(row.title) },
        { version: LIST_VERSION },
      ),
    );
  }

  async update(id: number, change: ItemFields & Pick<StoredItem, 'updatedAt' | 'version'>): Promise<void> {
    await this.unitOfWork.write((manager) =>
      manager.update(WatchlistItem, { id }, { ...change, titleKey: titleKey(change.title) }),
    );
  }

  async delete(id: number): Promise<void> {
    await this.unitOfWork.write((manager) => manager.delete(WatchlistItem, { id }));
  }

  private readPage(query: ItemQuery, withOwner: boolean): Promise<Page<StoredItem>> {
    return this.unitOfWork.read(async (manager) => {
      const columns = this.columnsOf(manager);
      const selected = withOwner ? `${columns}, owner.email AS owner_email` : columns;
      const { text, parameters } = pageStatement(query, selected, { withOwner });
      const rows = (await manager.query(text, [...parameters])) as PageRow[];
      const isPastTheEnd = rows.length === 0 && query.skip > 0;
      const total = isPastTheEnd ? await this.readTotal(manager, query) : Number(rows[0]?.total ?? 0);
      return { rows: rows.map((row) => itemFrom(manager, row)), total };
    });
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

  private async readTotal(manager: EntityManager, query: ItemQuery): Promise<number> {
    const { text, parameters } = totalStatement(query);
    const [row] = (await manager.query(text, [...parameters])) as [Pick<PageRow, 'total'>];
    return Number(row.total);
  }

  private loaderFor(query: PlainListQuery): LoadPage {
    const key = batchKeyOf(query);
    let loader = this.loaders.get(key);
    if (loader === undefined) {
      loader = createBatchLoader((queries) => this.readPages(queries), MAXIMUM_BATCH);
      this.loaders.set(key, loader);
    }
    return loader;
  }

  private readPages(queries: readonly PlainListQuery[]): Promise<Page<StoredItem>[]> {
    const pages = queries.map(() => ({ rows: [] as StoredItem[], total: 0 }));
    return this.unitOfWork.read(async (manager) => {
      const { text, parameters } = batchedPagesStatement(queries, this.columnsOf(manager));
      const rows = (await manager.query(text, [...parameters])) as (PageRow & { readonly place: string })[];
      for (const row of rows) {
        const page = pages[Number(row.place) - 1]!;
        page.total = Number(row.total);
        if (row.id !== null) page.rows.push(itemFrom(manager, row));
      }
      return pages;
    });
  }
}

function itemFrom(manager: EntityManager, row: PageRow): WatchlistItem {
  const item = fromRow(manager, WatchlistItem, row);
  if (row.owner_email !== undefined) item.user = { id: row.user_id, email: row.owner_email } as User;
  return item;
}
