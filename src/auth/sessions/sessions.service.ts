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
import { SessionsRepository, type Use } from './sessions.repository.js';

export type StoredSession = Omit<Session, 'user'>;

export const SESSION_ID = /^[A-Za-z0-9_-]{22}$/;

const DAY_MS = 86_400_000;
/** Beyond these, the one that has not been used for the longest time ends. */
export const MAXIMUM_SESSIONS = 100;
/**
 * How long the last generation may still be presented, for the same successor: two tabs refresh at the same moment,
 * or an answer is lost on its way. The price: a thief who is as quick as that shares the session until the next
 * rotation betrays one of the two.
 */
export const REFRESH_GRACE_SECONDS = 10;
const MAXIMUM_DEVICE = 255;
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/g;

/**
 * Who is signed in where. Every request asks here whether its session is still there, so that an end counts from the
 * next request on, on every instance.
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

  /** Whose session this is, as they stand now; null for one that has ended, and for somebody who is disabled. */
  async findActive(id: string): Promise<Standing | null> {
    const user = await this.sessions.findStanding(id);
    return user?.disabled === false ? user : null;
  }

  /** @param device the `User-Agent` header */
  start(userId: number, device: string | undefined): Promise<StoredSession> {
    return this.unitOfWork.write(async () => {
      const now = new Date();
      await this.sessions.deleteExpired(userId, now);
      const others = await this.sessions.findOf(userId);
      for (const { id } of others.slice(MAXIMUM_SESSIONS - 1)) await this.sessions.delete(id);
      const session: StoredSession = {
        id: randomBytes(16).toString('base64url'),
        userId,
        generation: 0,
        keyId: this.env.JWT_KEYS[0].id,
        createdAt: now,
        ...this.use(now, now, device),
      };
      await this.sessions.insert(session);
      return session;
    });
  }

  find(id: string): Promise<StoredSession | null> {
    return this.sessions.find(id);
  }

  /**
   * Exchanges a generation for the next, once. Whoever presents it again within {@link REFRESH_GRACE_SECONDS} is given the same
   * successor; later, or one that is older still, somebody has a copy: the session ends for both.
   *
   * @returns the session as it is then; null when it has ended
   */
  rotate(id: string, generation: number, device: string | undefined): Promise<StoredSession | null> {
    return this.unitOfWork.write(async () => {
      const before = await this.sessions.find(id);
      const now = new Date();
      if (before === null || before.expiresAt <= now) return null;
      const use = this.use(before.createdAt, now, device);
      if (await this.sessions.rotate(id, generation, use)) {
        return { ...before, ...use, generation: generation + 1 };
      }
      // As it is now: whoever was faster may have come in between.
      const current = await this.sessions.find(id);
      if (current === null) return null;
      const isFresh = now.getTime() - current.lastUsedAt.getTime() <= REFRESH_GRACE_SECONDS * 1000;
      if (generation === current.generation - 1 && isFresh) return current;
      await this.delete([current], { id: null, email: null }, 'auth.refresh_token_reused');
      return null;
    });
  }

  list(userId: number): Promise<StoredSession[]> {
    return this.sessions.findOf(userId);
  }

  /** Whether somebody is signed in there, by the client's address: all of one household count as one. */
  async isUsedFrom(email: string, address: string): Promise<boolean> {
    const places = await this.sessions.findPlacesOf(email, new Date());
    return places.some((place) => addressBucket(place) === addressBucket(address));
  }

  /** For whoever holds one of its tokens. */
  endIfThere(id: string): Promise<void> {
    return this.unitOfWork.write(async () => {
      const session = await this.sessions.find(id);
      if (session === null) return;
      const { email } = await this.users.get(session.userId);
      await this.delete([session], { id: session.userId, email }, 'auth.session_ended');
    });
  }

  /** @throws SessionNotFoundError */
  end(id: string, actor: Actor): Promise<void> {
    return this.unitOfWork.write(async () => {
      const session = await this.sessions.find(id);
      if (session === null || session.userId !== actor.id) throw new SessionNotFoundError();
      await this.delete([session], actor, 'auth.session_ended');
    });
  }

  /** All of the actor's but one. */
  endOthers(actor: Actor & { readonly id: number }, exceptId: string): Promise<void> {
    return this.unitOfWork.write(async () => {
      // So that two who do this at once take turns, and a sign-in comes before or after it.
      await this.users.lock(actor.id);
      const sessions = await this.sessions.findOf(actor.id);
      const others = sessions.filter(({ id }) => id !== exceptId);
      await this.delete(others, actor, 'auth.session_ended');
    });
  }

  /** Without a row in the audit log: belongs to a change that leaves one, and has locked the user. */
  endAll(userId: number, exceptId?: string): Promise<void> {
    return this.unitOfWork.write(async () => {
      for (const { id } of await this.sessions.findOf(userId)) {
        if (id !== exceptId) await this.sessions.delete(id);
      }
    });
  }

  private async delete(
    sessions: readonly StoredSession[],
    actor: Actor,
    action: 'auth.session_ended' | 'auth.refresh_token_reused',
  ): Promise<void> {
    for (const { id, userId } of sessions) {
      if (!(await this.sessions.delete(id))) continue;
      await this.audit.record({
        actor,
        action,
        resourceType: 'user',
        resourceId: userId,
        changes: { session: { from: id, to: null } },
      });
    }
  }

  private use(begun: Date, now: Date, device: string | undefined): Use {
    const ends = Math.min(
      begun.getTime() + this.env.REFRESH_EXPIRE_DAYS * DAY_MS,
      now.getTime() + this.env.REFRESH_IDLE_DAYS * DAY_MS,
    );
    return {
      lastUsedAt: now,
      expiresAt: new Date(ends),
      device: device?.replace(UNPRINTABLE, ' ').trim().slice(0, MAXIMUM_DEVICE) || null,
      address: requestContext.get()?.address.slice(0, 45) ?? null,
    };
  }
}
