import { Injectable } from '@nestjs/common';
import { SessionsService } from './sessions.service.js';
import { UsersService } from '../../users/users.service.js';
import { UnauthorizedError } from '../access/auth.errors.js';
import type { SignedIn } from '../access/principal.js';

/**
 * For what lets somebody in later: a token, a link. The guard has looked before the transaction began; what ended the
 * session since (a reset, a sign-out, a change of standing) was not to leave such a thing behind.
 */
@Injectable()
export class StillSignedIn {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
  ) {}

  /**
   * Within a write, first of all: takes turns with whatever ends the session.
   *
   * @throws UnauthorizedError when that was faster
   */
  async confirm({ id, sessionId }: Pick<SignedIn, 'id' | 'sessionId'>): Promise<void> {
    const user = await this.users.lock(id);
    if (user === null || user.disabled || (await this.sessions.find(sessionId)) === null)
      throw new UnauthorizedError(true);
  }

  /** As {@link confirm}, for an admin. In the order of UsersService.changeStanding: all admins before anybody else. */
  async confirmAdmin({ id, sessionId }: Pick<SignedIn, 'id' | 'sessionId'>): Promise<void> {
    const admins = await this.users.lockActiveAdmins();
    if (!admins.some((admin) => admin.id === id) || (await this.sessions.find(sessionId)) === null)
      throw new UnauthorizedError(true);
  }
}
