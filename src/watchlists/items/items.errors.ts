import { ProblemError } from '../../common/errors/problem.error.js';
import type { StoredItem } from './item.entity.js';

export class ItemExistsError extends ProblemError {
  constructor({ id, deletedAt }: Pick<StoredItem, 'id' | 'deletedAt'>) {
    const place = deletedAt === null ? 'on this list' : 'in the trash of this list';
    super(409, 'ITEM_EXISTS', `An item ${place} has one of these ids already.`, {
      details: { existing_item_id: id, existing_item_deleted: deletedAt !== null },
    });
  }
}

/** Another user's item gets the same answer, so that the caller cannot learn whether it exists. */
export class ItemNotFoundError extends ProblemError {
  constructor() {
    super(404, 'ITEM_NOT_FOUND', 'There is no such item on this list.');
  }
}
