import { ProblemError } from '../../common/errors/problem.error.js';

export class ItemExistsError extends ProblemError {
  constructor(existingItemId: number) {
    super(409, 'ITEM_EXISTS', 'An item on this list has one of these ids already.', {
      details: { existing_item_id: existingItemId, existing_item_deleted: false },
    });
  }
}

/** Another user's item gets the same answer, so that the caller cannot learn whether it exists. */
export class ItemNotFoundError extends ProblemError {
  constructor() {
    super(404, 'ITEM_NOT_FOUND', 'There is no such item on this list.');
  }
}
