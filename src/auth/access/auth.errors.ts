import { ProblemError } from '../../common/errors/problem.error.js';

const REALM = 'Bearer realm="watchlist"';
const CHALLENGE = { headers: { 'www-authenticate': REALM } };

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

/** At sign-in the same whichever of the two was wrong. */
export class InvalidCredentialsError extends ProblemError {
  constructor(detail = 'E-mail or password is not right.') {
    super(401, 'INVALID_CREDENTIALS', detail, CHALLENGE);
  }
}

/** Of somebody who is signed in, and was asked for their password again. */
export const wrongPassword = () => new InvalidCredentialsError('The current password is not right.');

/** Forged, used before, expired, of a session that has ended, or none at all: which of these is not told. */
export class InvalidRefreshTokenError extends ProblemError {
  constructor() {
    super(
      401,
      'INVALID_REFRESH_TOKEN',
      'The refresh token is not valid (any more). Sign in again.',
      CHALLENGE,
    );
  }
}

/** Forged, used before, replaced, expired, of a user who is gone or disabled: which of these is not told. */
export class InvalidResetTokenError extends ProblemError {
  constructor() {
    super(401, 'INVALID_RESET_TOKEN', 'This link is not valid (any more). Ask for a new one.', CHALLENGE);
  }
}

/** Not now, and not later either, unless somebody sets it up: without `Retry-After`. */
export class MailNotConfiguredError extends ProblemError {
  constructor() {
    super(503, 'MAIL_NOT_CONFIGURED', 'This server sends no mail. An admin can make a link for you.');
  }
}

export class RegistrationClosedError extends ProblemError {
  constructor() {
    super(
      403,
      'REGISTRATION_CLOSED',
      'Nobody can register here by themselves. An admin can invite you.',
      CHALLENGE,
    );
  }
}

/** A browser sends cookies along wherever a request comes from; this one says where, and it is not one of ours. */
export class OriginNotAllowedError extends ProblemError {
  constructor() {
    super(
      403,
      'ORIGIN_NOT_ALLOWED',
      'With the cookie, Origin must be this server or one of CORS_ORIGINS.',
      CHALLENGE,
    );
  }
}

export class ForbiddenError extends ProblemError {
  constructor(detail = 'This is for admins.', scope?: string) {
    const wanted = scope === undefined ? '' : `, scope="${scope}"`;
    super(403, 'FORBIDDEN', detail, {
      headers: {
        'www-authenticate': `${REALM}, error="insufficient_scope"${wanted}, error_description="${detail.replace(/\.$/, '')}"`,
      },
    });
  }
}

/** Of a personal token that is not for this; it says what it would have to be for, if there is such a scope. */
export function missingScope(scope: string | undefined): ForbiddenError {
  return new ForbiddenError(
    scope === undefined
      ? 'Personal tokens are not for this: sign in.'
      : `This personal token lacks the scope ${scope}.`,
    scope,
  );
}
