import type { Caller } from '../../common/http/request.js';
import type { Scope } from './scopes.js';
import type { Role } from '../../users/role.js';

/** The caller of a request, as the database has them at that moment. */
export interface Principal extends Caller {
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** Null for a personal token. */
  readonly sessionId: string | null;
  /** A personal token's scopes. Null for a session, which can do everything that its user can. */
  readonly scopes: readonly Scope[] | null;
}

/** The caller of a route that accepts no personal token. */
export interface SessionPrincipal extends Principal {
  readonly sessionId: string;
}
