import { ProblemError } from '../../common/errors/problem.error.js';

/** Also for a session of another user. */
export class SessionNotFoundError extends ProblemError {
  constructor() {
    super(404, 'SESSION_NOT_FOUND', 'You have no session with this id.');
  }
}
