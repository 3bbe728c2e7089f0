/** The whole header, because passport-jwt's own extractor accepts further words after the token. */
const JWT = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;
const PERSONAL_TOKEN = /^Bearer +(wl_[0-9A-Za-z]+)$/i;
const BEARER_SCHEME = /^Bearer( |$)/i;

export const jwtIn = (authorization = ''): string | null => JWT.exec(authorization)?.[1] ?? null;

export const personalTokenIn = (authorization = ''): string | null =>
  PERSONAL_TOKEN.exec(authorization)?.[1] ?? null;

/** RFC 6750 tells an invalid token from no token. Credentials of another scheme are no token. */
export const isBearer = (authorization = ''): boolean => BEARER_SCHEME.test(authorization);
