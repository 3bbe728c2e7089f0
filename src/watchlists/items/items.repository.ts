import { Injectable } from '@nestjs/common';
import type { EntityManager, ObjectLiteral } from 'typeorm';
import type { Page } from '../../common/pagination/page.query.js';
import { createBatchLoader } from '../../database/batch-loader.js';
import { fromRow, insertRow } from '../../database/row-mapping.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { User } from '../../users/user.entity.js';
import { type ItemType, WatchlistItem } from './item.entity.js';

export const ITEM_SORTS = ['created_at_desc', 'created_at_asc', 'title_asc', 'title_desc'] as const;
export type ItemSort = (typeof ITEM_SORTS)[number];

export interface ItemFilter {
  /** Whose items; everybody's when left out. */
  readonly ownerId?: number;
  readonly type?: ItemType;
  readonly sort: ItemSort;
  readonly skip: number;
  readonly limit: number;
}

const ORDER: Record<ItemSort, string> = {
  created_at_desc: 'item.created_at DESC, item.id DESC',
  created_at_asc: 'item.created_at ASC, item.id ASC',
  title_asc: 'item.title_key ASC, item.id ASC',
  title_desc: 'item.title_key DESC, item.id DESC',
};

/** As many as may ask in one statement. */
const MAXIMUM_TOGETHER = 32;

const COLUMNS = 'item.id, item.user_id, item.title, item.type, item.created_at, item.updated_at';
const OWNED_COLUMNS = `${COLUMNS}, owner.email AS owner_email`;

type OwnersPage = ItemFilter & { readonly ownerId: number };

/** $1 to $3: whose, how many at most, how many to leave out; one of each for everybody who asks. */
function togetherOf({ type, sort }: OwnersPage): string {
  const count = type === undefined ? 'movie_count + show_count' : `${type}_count`;
  // OFFSET 0: once for each who asks, not for each item.
  return `SELECT asked.place, owner.total, item.*
    FROM unnest($1::int[], $2::int[], $3::int[]) WITH ORDINALITY AS asked (user_id, size, skipped, place)
    CROSS JOIN LATERAL (SELECT ${count} AS total FROM users WHERE id = asked.user_id OFFSET 0) owner
    LEFT JOIN LATERAL (SELECT ${COLUMNS} FROM watchlist_items item
      WHERE item.user_id = asked.user_id ${type === undefined ? '' : 'AND item.type = $4'}
      ORDER BY ${ORDER[sort]} LIMIT asked.size OFFSET asked.skipped) item ON true`;
}

interface PageRow extends ObjectLiteral {
  readonly user_id: number;
  readonly owner_email?: string;
  readonly total: number | string;
}

@Injectable()
export class WatchlistsRepository {
  /** By statement: owners who ask together for pages of their own share one. */
  private readonly pages = new Map<string, (asked: OwnersPage) => Promise<Page<WatchlistItem>>>();

  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** A page of one owner's items, and how many there are. */
  pageOf(asked: OwnersPage): Promise<Page<WatchlistItem>> {
    // SQLite knows no LATERAL; and what a write has changed so far, only that write sees.
    const isAlone = !this.unitOfWork.hasConcurrentWriters || this.unitOfWork.isWriting;
    return isAlone ? this.page(asked) : this.pagesBy(togetherOf(asked))(asked);
  }

  /**
   * Ties are broken by id, so that pages never overlap. `withOwner` fills in each item's `user`. By hand: building
   * and mapping this statement took longer than all else that a list costs.
   */
  page(
    { ownerId, type, sort, skip, limit }: ItemFilter,
    { withOwner = false } = {},
  ): Promise<Page<WatchlistItem>> {
    const parameters: unknown[] = [];
    const place = (value: unknown) => `$${parameters.push(value)}`;
    const owner = ownerId === undefined ? undefined : place(ownerId);
    // Kept by the users: counting a long list would take longer than all else.
    const count = `SELECT COALESCE(SUM(${type === undefined ? 'movie_count + show_count' : `${type}_count`}), 0) AS total
      FROM users ${owner === undefined ? '' : `WHERE id = ${owner}`}`;
    const conditions = [
      ...(owner === undefined ? [] : [`item.user_id = ${owner}`]),
      ...(type === undefined ? [] : [`item.type = ${place(type)}`]),
    ];
    return this.unitOfWork.read(async (manager) => {
      const read = <Row>(text: string, given: unknown[]) => manager.query(text, given) as Promise<Row[]>;
      // The number in the same statement as the rows, so that a write in between cannot make the two disagree.
      const rows = await read<PageRow>(
        `SELECT ${withOwner ? OWNED_COLUMNS : COLUMNS}, (${count}) AS total
         FROM watchlist_items item ${withOwner ? 'JOIN users owner ON owner.id = item.user_id' : ''}
         ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
         ORDER BY ${ORDER[sort]} LIMIT ${place(limit)} OFFSET ${place(skip)}`,
        parameters,
      );
      const [{ total }] =
        rows.length > 0 || skip === 0
          ? [rows[0] ?? { total: 0 }]
          : await read<Pick<PageRow, 'total'>>(count, owner === undefined ? [] : [ownerId]);
      return { rows: rows.map((row) => itemFrom(manager, row, withOwner)), total: Number(total) };
    });
  }

  find(id: number, ownerId?: number): Promise<WatchlistItem | null> {
    return this.unitOfWork.read((manager) =>
      manager.findOne(WatchlistItem, { where: { id, userId: ownerId } }),
    );
  }

  /** Holds the row until the transaction ends, where another transaction could otherwise change it meanwhile. */
  findForUpdate(id: number, ownerId?: number): Promise<WatchlistItem | null> {
    return this.unitOfWork.write((manager) =>
      manager.findOne(WatchlistItem, {
        where: { id, userId: ownerId },
        ...this.unitOfWork.forUpdate(),
      }),
    );
  }

  insert(row: Omit<WatchlistItem, 'id' | 'user'>): Promise<number> {
    return this.unitOfWork.write((manager) =>
      insertRow<Omit<WatchlistItem, 'user'>>(manager, WatchlistItem, row),
    );
  }

  async update(
    id: number,
    change: Pick<WatchlistItem, 'title' | 'titleKey' | 'type' | 'updatedAt'>,
  ): Promise<void> {
    await this.unitOfWork.write((manager) => manager.update(WatchlistItem, { id }, change));
  }

  async delete(id: number): Promise<void> {
    await this.unitOfWork.write((manager) => manager.delete(WatchlistItem, { id }));
  }

  private pagesBy(text: string): (asked: OwnersPage) => Promise<Page<WatchlistItem>> {
    let pages = this.pages.get(text);
    if (pages === undefined) {
      pages = createBatchLoader((asked) => this.readPages(text, asked), MAXIMUM_TOGETHER);
      this.pages.set(text, pages);
    }
    return pages;
  }

  private readPages(text: string, asked: readonly OwnersPage[]): Promise<Page<WatchlistItem>[]> {
    const pages = asked.map(() => ({ rows: [] as WatchlistItem[], total: 0 }));
    const { type } = asked[0]!;
    return this.unitOfWork.read(async (manager) => {
      const rows = (await manager.query(text, [
        asked.map(({ ownerId }) => ownerId),
        asked.map(({ limit }) => limit),
        asked.map(({ skip }) => skip),
        ...(type === undefined ? [] : [type]),
      ])) as (PageRow & { readonly id: number | null; readonly place: string })[];
      for (const row of rows) {
        const page = pages[Number(row.place) - 1]!;
        page.total = Number(row.total);
        // Null: the owner is there, and nothing on this page.
        if (row.id !== null) page.rows.push(itemFrom(manager, row, false));
      }
      return pages;
    });
  }
}

function itemFrom(manager: EntityManager, row: PageRow, withOwner: boolean): WatchlistItem {
  const item = fromRow(manager, WatchlistItem, row);
  if (withOwner) item.user = { id: row.user_id, email: row.owner_email } as User;
  return item;
}
