import { Injectable } from '@nestjs/common';
import { SessionsService } from './sessions.service.js';
import { UsersService } from '../../users/users.service.js';
import { UnauthorizedError } from '../access/auth.errors.js';
import type { SessionPrincipal } from '../access/principal.js';

/**
 * Rechecks the session inside the transaction that creates a token or link. A reset, sign-out or role change can end
 * the session after the guard has run, and must not leave a new token or link behind.
 */
@Injectable()
export class SessionRecheck {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
  ) {}

  /**
   * Call it first inside a write. The lock makes changes that end the session wait.
   *
   * @throws UnauthorizedError when the session has ended
   */
  async assertActive({ id, sessionId }: Pick<SessionPrincipal, 'id' | 'sessionId'>): Promise<void> {
    const user = await this.users.lock(id);
    if (user === null || user.disabled || (await this.sessions.findSession(sessionId)) === null)
      throw new UnauthorizedError(true);
  }

  /** Like {@link assertActive}, for an admin. Locks all admins first, in the same order as UsersService.changeStanding. */
  async assertActiveAdmin({ id, sessionId }: Pick<SessionPrincipal, 'id' | 'sessionId'>): Promise<void> {
    const admins = await this.users.lockActiveAdmins();
    if (!admins.some((admin) => admin.id === id) || (await this.sessions.findSession(sessionId)) === null)
      throw new UnauthorizedError(true);
  }
}
