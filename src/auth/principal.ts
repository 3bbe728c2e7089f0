import type { Caller } from '../common/http/caller.js';
import type { Role } from '../users/role.js';

/** Who is asking, as stored at the moment of the request. */
export interface Principal extends Caller {
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  readonly sessionId: string;
}
