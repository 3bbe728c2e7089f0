import type { Caller } from '../../common/http/request.js';
import type { Scope } from './scopes.js';
import type { Role } from '../../users/role.js';

/** The authenticated caller, as stored at the time of the request. */
export interface Principal extends Caller {
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** Null for a personal token. */
  readonly sessionId: string | null;
  /** The scopes of a personal token; null for a session, which has all rights of its user. */
  readonly scopes: readonly Scope[] | null;
}

/** The caller on routes that accept no personal tokens. */
export interface SessionPrincipal extends Principal {
  readonly sessionId: string;
}
