import { ProblemError } from '../common/errors/problem.error.js';

const REALM = 'Bearer realm="watchlist"';

/** RFC 6750: no error code for a request that brought no credentials at all. */
export class UnauthorizedError extends ProblemError {
  constructor(sentToken: boolean) {
    super(
      401,
      'UNAUTHORIZED',
      sentToken ? 'The access token is not valid.' : 'An access token is needed: Authorization: Bearer …',
      {
        headers: {
          'www-authenticate': sentToken
            ? `${REALM}, error="invalid_token", error_description="The access token is not valid"`
            : REALM,
        },
      },
    );
  }
}

/** The same whichever of the two was wrong. */
export class InvalidCredentialsError extends ProblemError {
  constructor() {
    super(401, 'INVALID_CREDENTIALS', 'E-mail or password is not right.', {
      headers: { 'www-authenticate': REALM },
    });
  }
}

export class ForbiddenError extends ProblemError {
  constructor() {
    super(403, 'FORBIDDEN', 'This is for admins.', {
      headers: {
        'www-authenticate': `${REALM}, error="insufficient_scope", error_description="This is for admins"`,
      },
    });
  }
}
