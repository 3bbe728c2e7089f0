import { type EntityTarget, type FindOptionsSelect, type FindOptionsWhere, In } from 'typeorm';
import type { UnitOfWork } from './unit-of-work.js';

/**
 * Deletes up to `limit` rows. Skips rows that another transaction has locked; a later batch deletes them.
 *
 * @returns how many rows were deleted: fewer than `limit` when no more are left
 */
export function deleteBatch<Row extends { id: number | string }>(
  unitOfWork: UnitOfWork,
  entity: EntityTarget<Row>,
  where: FindOptionsWhere<Row>,
  limit: number,
): Promise<number> {
  return unitOfWork.write(async (manager) => {
    const rows = await manager.find(entity, {
      select: { id: true } as FindOptionsSelect<Row>,
      where,
      take: limit,
      ...unitOfWork.forUpdate({ skipLocked: true }),
    });
    if (rows.length === 0) return 0;
    await manager.delete(entity, { id: In(rows.map(({ id }) => id)) } as FindOptionsWhere<Row>);
    return rows.length;
  });
}
