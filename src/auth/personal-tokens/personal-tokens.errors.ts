import { ProblemError } from '../../common/errors/problem.error.js';

/** Also for somebody else's. */
export class TokenNotFoundError extends ProblemError {
  constructor() {
    super(404, 'TOKEN_NOT_FOUND', 'There is no such personal token of yours.');
  }
}

export class TooManyTokensError extends ProblemError {
  constructor(maximum: number) {
    super(409, 'TOO_MANY_TOKENS', `There can be ${maximum} personal tokens at a time; revoke one first.`);
  }
}
