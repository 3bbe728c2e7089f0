import { ProblemError } from '../../common/errors/problem.error.js';

/** Another user's item gets the same answer, so that the caller cannot learn whether it exists. */
export class ItemNotFoundError extends ProblemError {
  constructor() {
    super(404, 'ITEM_NOT_FOUND', 'There is no such item on this list.');
  }
}
