import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type Actor, AuditService } from '../../audit/audit.service.js';
import { addressBucket } from '../../common/http/client-address.js';
import { requestContext } from '../../common/http/request-context.js';
import { ENV, type Env } from '../../config/env.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { Standing } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import type { Session } from './session.entity.js';
import { SessionNotFoundError } from './sessions.errors.js';
import { SessionsRepository, type SessionUse } from './sessions.repository.js';

export type StoredSession = Omit<Session, 'user'>;

export const SESSION_ID = /^[A-Za-z0-9_-]{22}$/;

const DAY_MS = 86_400_000;
/** A further sign-in ends the session that has been idle longest. */
export const MAXIMUM_SESSIONS = 100;
/**
 * The previous refresh token stays valid this long, because two tabs can refresh together or a response can get lost.
 * A thief who is this fast shares the session until the next rotation reveals the reuse.
 */
export const REFRESH_GRACE_SECONDS = 10;
const MAXIMUM_DEVICE = 255;
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/g;

/**
 * Manages sign-ins. Every request checks its session here, so that the end of a session is effective from the next
 * request on every instance.
 */
@Injectable()
export class SessionsService {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
    @Inject(ENV) private readonly env: Env,
  ) {}

  /**
   * Returns the session's user; null when the session has ended or the user is disabled.
   *
   * @param until when the caller's access token ends, in Unix seconds; null after that time
   */
  async findActive(id: string, until: number): Promise<Standing | null> {
    const owner = await this.sessions.findOwner(id);
    if (owner === null || owner.user.disabled) return null;
    return owner.now.getTime() < until * 1000 ? owner.user : null;
  }

  /** @param device the `User-Agent` header */
  startSession(userId: number, device: string | undefined): Promise<StoredSession> {
    return this.unitOfWork.write(async () => {
      const now = await this.unitOfWork.now();
      await this.sessions.deleteExpired(userId, now);
      const others = await this.sessions.findByUser(userId);
      for (const { id } of others.slice(MAXIMUM_SESSIONS - 1)) await this.sessions.delete(id);
      const session: StoredSession = {
        id: randomBytes(16).toString('base64url'),
        userId,
        generation: 0,
        keyId: this.env.JWT_KEYS[0].id,
        createdAt: now,
        ...this.sessionUse(now, now, device),
      };
      await this.sessions.insert(session);
      return session;
    });
  }

  findSession(id: string): Promise<StoredSession | null> {
    return this.sessions.find(id);
  }

  /**
   * Exchanges a generation for the next, once. A repeat within {@link REFRESH_GRACE_SECONDS} gets the same successor. A later repeat
   * or an older generation means that the token was copied, so the session ends.
   *
   * @returns the rotated session; null when it has ended
   */
  rotateSession(id: string, generation: number, device: string | undefined): Promise<StoredSession | null> {
    return this.unitOfWork.write(async () => {
      const before = await this.sessions.find(id);
      const now = await this.unitOfWork.now();
      if (before === null || before.expiresAt <= now) return null;
      const use = this.sessionUse(before.createdAt, now, device);
      if (await this.sessions.rotate(id, generation, use)) {
        return { ...before, ...use, generation: generation + 1 };
      }
      // Reads again, because a concurrent rotation can have changed the row.
      const current = await this.sessions.find(id);
      if (current === null) return null;
      const isFresh = now.getTime() - current.lastUsedAt.getTime() <= REFRESH_GRACE_SECONDS * 1000;
      if (generation === current.generation - 1 && isFresh) return current;
      await this.deleteSessions([current], { id: null, email: null }, 'auth.refresh_token_reused');
      return null;
    });
  }

  listSessions(userId: number): Promise<StoredSession[]> {
    return this.sessions.findByUser(userId);
  }

  /** True when the user is signed in from this address. All addresses of one household count as one. */
  async isUsedFrom(email: string, address: string): Promise<boolean> {
    const places = await this.sessions.findAddressesByEmail(email, await this.unitOfWork.now());
    return places.some((place) => addressBucket(place) === addressBucket(address));
  }

  /** For a caller that holds a token of the session. */
  endSessionIfExists(id: string): Promise<void> {
    return this.unitOfWork.write(async () => {
      const session = await this.sessions.find(id);
      if (session === null) return;
      const { email } = await this.users.get(session.userId);
      await this.deleteSessions([session], { id: session.userId, email }, 'auth.session_ended');
    });
  }

  /** @throws SessionNotFoundError */
  endSession(id: string, actor: Actor): Promise<void> {
    return this.unitOfWork.write(async () => {
      const session = await this.sessions.find(id);
      if (session === null || session.userId !== actor.id) throw new SessionNotFoundError();
      await this.deleteSessions([session], actor, 'auth.session_ended');
    });
  }

  /** Ends all sessions of the actor except one. */
  endOtherSessions(actor: Actor & { readonly id: number }, exceptId: string): Promise<void> {
    return this.unitOfWork.write(async () => {
      // The lock makes a concurrent call or sign-in wait.
      await this.users.lock(actor.id);
      const sessions = await this.sessions.findByUser(actor.id);
      const others = sessions.filter(({ id }) => id !== exceptId);
      await this.deleteSessions(others, actor, 'auth.session_ended');
    });
  }

  /** Writes no audit row. Call it inside the write of an audited change that has locked the user. */
  endAllSessions(userId: number, exceptId?: string): Promise<void> {
    return this.unitOfWork.write(async () => {
      for (const { id } of await this.sessions.findByUser(userId)) {
        if (id !== exceptId) await this.sessions.delete(id);
      }
    });
  }

  private async deleteSessions(
    sessions: readonly StoredSession[],
    actor: Actor,
    action: 'auth.session_ended' | 'auth.refresh_token_reused',
  ): Promise<void> {
    for (const { id, userId } of sessions) {
      if (!(await this.sessions.delete(id))) continue;
      await this.audit.recordAudit({
        actor,
        action,
        resourceType: 'user',
        resourceId: userId,
        changes: { session: { from: id, to: null } },
      });
    }
  }

  private sessionUse(begun: Date, now: Date, device: string | undefined): SessionUse {
    const ends = Math.min(
      begun.getTime() + this.env.REFRESH_EXPIRE_DAYS * DAY_MS,
      now.getTime() + this.env.REFRESH_IDLE_DAYS * DAY_MS,
    );
    return {
      lastUsedAt: now,
      expiresAt: new Date(ends),
      device: device?.slice(0, MAXIMUM_DEVICE).replace(UNPRINTABLE, ' ').trim() || null,
      address: requestContext.get()?.address.slice(0, 45) ?? null,
    };
  }
}
