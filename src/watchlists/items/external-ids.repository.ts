import { Injectable } from '@nestjs/common';
import { Not } from 'typeorm';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { ExternalId } from './external-id.entity.js';
import type { StoredItem } from './item.entity.js';

type Identified = Pick<StoredItem, 'id' | 'userId' | 'type' | 'ids'>;

const rowsOf = ({ id, userId, type, ids }: Identified) =>
  Object.entries(ids).map(([provider, value]) => ({
    userId,
    type,
    provider,
    externalId: String(value),
    itemId: id,
  }));

@Injectable()
export class ExternalIdsRepository {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** Another item of the list that has one of the item's ids. It can be in the trash. */
  async findOther(item: Identified): Promise<StoredItem | null> {
    const where = rowsOf(item).map((row) => Object.assign(row, { itemId: Not(item.id) }));
    if (where.length === 0) return null;
    const other = await this.unitOfWork.read((manager) =>
      manager.findOne(ExternalId, { where, relations: { item: true } }),
    );
    return other?.item ?? null;
  }

  /** Stores the ids of a new item. */
  async insert(item: Identified): Promise<void> {
    const rows = rowsOf(item);
    if (rows.length > 0) await this.unitOfWork.write((manager) => manager.insert(ExternalId, rows));
  }

  /** Stores the ids of an item whose ids or type have changed. */
  async replace(item: Identified): Promise<void> {
    await this.unitOfWork.write((manager) => manager.delete(ExternalId, { itemId: item.id }));
    await this.insert(item);
  }
}
