import { Injectable } from '@nestjs/common';
import { SessionsService } from './sessions.service.js';
import { UsersService } from '../../users/users.service.js';
import { UnauthorizedError } from '../access/auth.errors.js';
import type { SessionPrincipal } from '../access/principal.js';

/**
 * Checks the session again inside the transaction that creates a token or a link. The session can end after the guard
 * has checked it, and an ended session must not leave a new way to sign in.
 */
@Injectable()
export class SessionRecheck {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
  ) {}

  /**
   * Call it first in a write: it takes the lock that ending a session takes.
   *
   * @throws UnauthorizedError when the session has ended
   */
  async assertActive({ id, sessionId }: Pick<SessionPrincipal, 'id' | 'sessionId'>): Promise<void> {
    const user = await this.users.lock(id);
    if (user === null || user.disabled || (await this.sessions.find(sessionId)) === null)
      throw new UnauthorizedError(true);
  }

  /** The same for an admin. It locks all admins first, as UsersService.changeStanding does, so that no deadlock occurs. */
  async assertActiveAdmin({ id, sessionId }: Pick<SessionPrincipal, 'id' | 'sessionId'>): Promise<void> {
    const admins = await this.users.lockActiveAdmins();
    if (!admins.some((admin) => admin.id === id) || (await this.sessions.find(sessionId)) === null)
      throw new UnauthorizedError(true);
  }
}
