import { ProblemError } from '../../common/errors/problem.error.js';

const REALM = 'Bearer realm="watchlist"';
const CHALLENGE = { headers: { 'www-authenticate': REALM } };

/** RFC 6750: the challenge has no error code when the request has no credentials. */
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

/** The same for a wrong address and a wrong password, so that it reveals no account. */
export class InvalidCredentialsError extends ProblemError {
  constructor(detail = 'E-mail or password is not right.') {
    super(401, 'INVALID_CREDENTIALS', detail, CHALLENGE);
  }
}

/** For a signed-in user who must confirm the current password. */
export const wrongPassword = () => new InvalidCredentialsError('The current password is not right.');

/** The same for every reason: forged, used before, expired, of an ended session, or missing. */
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

/** The same for every reason: forged, used before, replaced, expired, or of a deleted or disabled user. */
export class InvalidResetTokenError extends ProblemError {
  constructor() {
    super(401, 'INVALID_RESET_TOKEN', 'This link is not valid (any more). Ask for a new one.', CHALLENGE);
  }
}

/** Has no `Retry-After`, because the operator must configure mail first. */
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

/** Protects the cookie against cross-site requests, because a browser sends it with those too. */
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

/** Names the scope that the personal token needs, if the route has one. */
export function missingScope(scope: string | undefined): ForbiddenError {
  return new ForbiddenError(
    scope === undefined
      ? 'Personal tokens are not for this: sign in.'
      : `This personal token lacks the scope ${scope}.`,
    scope,
  );
}
