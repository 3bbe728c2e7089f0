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

  /** @returns null when the token or the session has ended, and when its user is deleted or disabled */
  async resolveSession({ userId, sessionId, expiresAt }: VerifiedToken): Promise<Principal | null> {
    const user = await this.sessions.findActive(sessionId, expiresAt);
    return user?.id === userId ? this.principal(user, `user:${userId}`, sessionId, null) : null;
  }

  /** @returns null for an unknown, revoked or expired token, and when its user is disabled */
  async resolvePersonalToken(token: string): Promise<Principal | null> {
    const granted = await this.tokens.findByToken(token);
    if (granted === null) return null;
    const { grant, user } = granted;
    this.tokens.recordUse(grant.id, requestContext.get()?.address ?? null);
    // By slot and not by id, so that replacing a token gives no new quota.
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
