import { Injectable } from '@nestjs/common';
import { requestContext } from '../../common/http/request-context.js';
import { PersonalTokensService } from '../personal-tokens/personal-tokens.service.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { Standing } from '../../users/user.entity.js';
import type { Principal } from '../access/principal.js';
import type { VerifiedToken } from './verified-tokens.js';

@Injectable()
export class PrincipalResolver {
  constructor(
    private readonly sessions: SessionsService,
    private readonly tokens: PersonalTokensService,
  ) {}

  /** @returns null when the session has ended, and when its user is deleted or disabled */
  async resolveSession({ userId, sessionId }: VerifiedToken): Promise<Principal | null> {
    const user = await this.sessions.findActive(sessionId);
    return user?.id === userId ? this.principal(user, `user:${userId}`, sessionId, null) : null;
  }

  /** Who sends this personal token; null for one that is not known (any more), and for somebody who is disabled. */
  async findByPersonalToken(token: string): Promise<Principal | null> {
    const granted = await this.tokens.findByToken(token);
    if (granted === null) return null;
    const { grant, user } = granted;
    this.tokens.recordUse(grant.id, requestContext.get()?.address ?? null);
    // By slot, not by id: a new token in the place of a revoked one is no fresh quota.
    const rateLimitKey = `user:${user.id}:token:${grant.slot}`;
    return this.principal(user, rateLimitKey, null, grant.scopes);
  }

  private principal(
    user: Standing,
    rateLimitKey: string,
    sessionId: Principal['sessionId'],
    scopes: Principal['scopes'],
  ): Principal {
    const { id, email, role, createdAt } = user;
    return { id, email, role, createdAt, rateLimitKey, sessionId, scopes };
  }
}
