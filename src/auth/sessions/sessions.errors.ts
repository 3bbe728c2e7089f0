import { ProblemError } from '../../common/errors/problem.error.js';

/** Another user's session gets the same answer. */
export class SessionNotFoundError extends ProblemError {
  constructor() {
    super(404, 'SESSION_NOT_FOUND', 'There is no such session of yours.');
  }
}
