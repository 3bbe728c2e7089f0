import { ProblemError } from '../../common/errors/problem.error.js';

const REALM = 'Bearer realm="watchlist"';
const CHALLENGE = { headers: { 'www-authenticate': REALM } };

/** RFC 6750 forbids an error code for a request without credentials. */
export class UnauthorizedError extends ProblemError {
  constructor(sentToken: boolean) {
    super(
      401,
      'UNAUTHORIZED',
      sentToken
        ? 'The access token is not valid.'
        : 'An access token is required. Send it as Authorization: Bearer …',
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

/** Does not reveal whether the e-mail address or the password was wrong. */
export class InvalidCredentialsError extends ProblemError {
  constructor(detail = 'The e-mail address or the password is wrong.') {
    super(401, 'INVALID_CREDENTIALS', detail, CHALLENGE);
  }
}

/** For a signed-in user who confirms a change with a wrong password. */
export const wrongPasswordError = () => new InvalidCredentialsError('The current password is wrong.');

/** Does not reveal whether the token is missing, forged, used, expired, or of a session that has ended. */
export class InvalidRefreshTokenError extends ProblemError {
  constructor() {
    super(401, 'INVALID_REFRESH_TOKEN', 'The refresh token is not valid. Sign in again.', CHALLENGE);
  }
}

/** Does not reveal whether the token is forged, used, replaced or expired, or its user deleted or disabled. */
export class InvalidResetTokenError extends ProblemError {
  constructor() {
    super(401, 'INVALID_RESET_TOKEN', 'The link is not valid. Request a new one.', CHALLENGE);
  }
}

/** Has no `Retry-After`, because a retry fails until an operator configures mail. */
export class MailNotConfiguredError extends ProblemError {
  constructor() {
    super(503, 'MAIL_NOT_CONFIGURED', 'This server does not send mail. An admin can create a link for you.');
  }
}

export class RegistrationClosedError extends ProblemError {
  constructor() {
    super(403, 'REGISTRATION_CLOSED', 'Registration is closed. An admin can invite you.', CHALLENGE);
  }
}

/** A browser sends the cookie even if another site causes the request. `Origin` names that site. */
export class OriginNotAllowedError extends ProblemError {
  constructor() {
    super(
      403,
      'ORIGIN_NOT_ALLOWED',
      'A request with the cookie needs an Origin that is this server, PUBLIC_URL or one of CORS_ORIGINS.',
      CHALLENGE,
    );
  }
}

export class ForbiddenError extends ProblemError {
  constructor(detail = 'Only admins can do this.', scope?: string) {
    const wanted = scope === undefined ? '' : `, scope="${scope}"`;
    super(403, 'FORBIDDEN', detail, {
      headers: {
        'www-authenticate': `${REALM}, error="insufficient_scope"${wanted}, error_description="${detail.replace(/\.$/, '')}"`,
      },
    });
  }
}

/** For a personal token that lacks the route's scope. Routes without a scope accept no personal token. */
export const missingScopeError = (scope: string | undefined) =>
  new ForbiddenError(
    scope === undefined
      ? 'This route does not accept personal tokens. Sign in instead.'
      : `The personal token lacks the scope ${scope}.`,
    scope,
  );
