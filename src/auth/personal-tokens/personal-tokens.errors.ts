import { ProblemError } from '../../common/errors/problem.error.js';

/** Also for a token of another user. */
export class TokenNotFoundError extends ProblemError {
  constructor() {
    super(404, 'TOKEN_NOT_FOUND', 'You have no personal token with this id.');
  }
}

export class TooManyTokensError extends ProblemError {
  constructor(maximum: number) {
    super(409, 'TOO_MANY_TOKENS', `You can have at most ${maximum} personal tokens. Revoke one first.`);
  }
}
