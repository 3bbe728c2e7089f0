import { ProblemError } from '../../common/errors/problem.error.js';

/** Also for somebody else's item: whether it exists is not the caller's business. */
export class ItemNotFoundError extends ProblemError {
  constructor() {
    super(404, 'ITEM_NOT_FOUND', 'There is no such item on this list.');
  }
}
