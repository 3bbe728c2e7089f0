import { Injectable } from '@nestjs/common';
import { SessionsService } from '../sessions/sessions.service.js';
import { UsersService } from '../users/users.service.js';
import type { Principal } from './principal.js';

@Injectable()
export class Principals {
  constructor(
    private readonly sessions: SessionsService,
    private readonly users: UsersService,
  ) {}

  /** Who that is now; null for a user who is gone or disabled, and when the session has ended. */
  async find({ userId, sessionId }: { userId: number; sessionId: string }): Promise<Principal | null> {
    const user = await this.sessions.findActive(sessionId);
    if (user?.id !== userId) return null;
    const { id, email, role, createdAt } = user;
    return { id, email, role, createdAt, sessionId, listVersion: this.users.listVersionOf(user) };
  }
}
