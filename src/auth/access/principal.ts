import type { Caller } from '../../common/http/request.js';
import type { Scope } from './scopes.js';
import type { Role } from '../../users/role.js';

/** Who is asking, as stored at the moment of the request. */
export interface Principal extends Caller {
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** Null for a personal token. */
  readonly sessionId: string | null;
  /** What they may be asked for: a personal token's scopes; null with a session, which can do whatever its user may. */
  readonly scopes: readonly Scope[] | null;
}

/** On routes that are not for personal tokens. */
export interface SignedIn extends Principal {
  readonly sessionId: string;
}
