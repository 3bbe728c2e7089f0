import { Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'typeorm';
import type { Page } from '../common/pagination/page.query.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { type ItemType, WatchlistItem } from './watchlist-item.entity.js';

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

const ORDER: Record<ItemSort, ['createdAt' | 'titleKey', 'ASC' | 'DESC']> = {
  created_at_desc: ['createdAt', 'DESC'],
  created_at_asc: ['createdAt', 'ASC'],
  title_asc: ['titleKey', 'ASC'],
  title_desc: ['titleKey', 'DESC'],
};

@Injectable()
export class WatchlistsRepository {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** Ties are broken by id, so that pages never overlap. `withOwner` fills in each item's `user`. */
  page(filter: ItemFilter, { withOwner = false } = {}): Promise<Page<WatchlistItem>> {
    const { sort, skip, limit } = filter;
    const [column, direction] = ORDER[sort];
    return this.unitOfWork.read(async (manager) => {
      const query = manager
        .createQueryBuilder(WatchlistItem, 'item')
        .orderBy(`item.${column}`, direction)
        .addOrderBy('item.id', direction)
        .offset(skip)
        .limit(limit)
        // In the same statement as the rows, so that a write in between cannot make the two disagree.
        .addSelect(
          (total) => filtered(total.select('COUNT(*)').from(WatchlistItem, 'counted'), 'counted', filter),
          'total',
        );
      if (withOwner) query.innerJoinAndSelect('item.user', 'owner');
      const { raw, entities } = await filtered(query, 'item', filter).getRawAndEntities<{
        total: number | string;
      }>();
      if (raw.length > 0) return { rows: entities, total: Number(raw[0]!.total) };
      return {
        rows: [],
        total:
          skip === 0
            ? 0
            : await filtered(manager.createQueryBuilder(WatchlistItem, 'item'), 'item', filter).getCount(),
      };
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
        ...(this.unitOfWork.hasConcurrentWriters && { lock: { mode: 'pessimistic_write' } }),
      }),
    );
  }

  async insert(row: Omit<WatchlistItem, 'id' | 'user'>): Promise<number> {
    return this.unitOfWork.write(async (manager) => {
      const { identifiers } = await manager.insert(WatchlistItem, row);
      return identifiers[0]!['id'] as number;
    });
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

  /** How many items each of these users has; users without any are not in the map. */
  countByOwner(ownerIds: readonly number[]): Promise<Map<number, number>> {
    return this.unitOfWork.read(async (manager) => {
      if (ownerIds.length === 0) return new Map();
      const rows = await manager
        .createQueryBuilder(WatchlistItem, 'item')
        .select('item.userId', 'owner')
        .addSelect('COUNT(*)', 'count')
        .where('item.userId IN (:...ownerIds)', { ownerIds })
        .groupBy('item.userId')
        .getRawMany<{ owner: number; count: number | string }>();
      return new Map(rows.map(({ owner, count }) => [owner, Number(count)]));
    });
  }

  countByType(): Promise<Record<ItemType, number>> {
    return this.unitOfWork.read(async (manager) => {
      const rows = await manager
        .createQueryBuilder(WatchlistItem, 'item')
        .select('item.type', 'type')
        .addSelect('COUNT(*)', 'count')
        .groupBy('item.type')
        .getRawMany<{ type: ItemType; count: number | string }>();
      const counts = { movie: 0, show: 0 };
      for (const { type, count } of rows) counts[type] = Number(count);
      return counts;
    });
  }
}

function filtered<Query extends SelectQueryBuilder<WatchlistItem>>(
  query: Query,
  alias: string,
  { ownerId, type }: ItemFilter,
): Query {
  if (ownerId !== undefined) query.andWhere(`${alias}.userId = :ownerId`, { ownerId });
  if (type !== undefined) query.andWhere(`${alias}.type = :type`, { type });
  return query;
}
