import { Injectable } from '@nestjs/common';
import { LessThanOrEqual, MoreThan, type ObjectLiteral } from 'typeorm';
import { RowCache } from '../../database/row-cache.js';
import { createBatchLoader } from '../../database/batch-loader.js';
import { deleteBatch } from '../../database/delete-batch.js';
import { fromRow } from '../../database/row-mapping.js';
import { POSTGRES_NOW, UnitOfWork } from '../../database/unit-of-work.js';
import type { Standing } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import { Session } from './session.entity.js';

const STANDINGS = `SELECT session.id AS session_id, owner.id, owner.email, owner.role, owner.disabled,
  owner.created_at, ${POSTGRES_NOW} AS now
  FROM sessions session JOIN users owner ON owner.id = session.user_id WHERE session.id = ANY($1)`;

/** The fields that a rotation changes in addition to the generation. */
export type SessionUse = Pick<Session, 'lastUsedAt' | 'expiresAt' | 'device' | 'address'>;

/** A session's user, and when the database said so. */
export interface SessionOwner {
  readonly user: Standing;
  readonly now: Date;
}

@Injectable()
export class SessionsRepository {
  private readonly owners: RowCache<string, Pick<Session, 'userId'>>;
  private readonly loadOwner = createBatchLoader<string, SessionOwner | null>((ids) => this.readOwners(ids));

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly users: UsersService,
  ) {
    this.owners = new RowCache<string, Pick<Session, 'userId'>>(unitOfWork, (id) => this.find(id));
  }

  /** Returns the owner as committed now; null when the session has ended. Do not call it inside a write. */
  async findOwner(id: string): Promise<SessionOwner | null> {
    if (this.unitOfWork.hasConcurrentWriters) return this.loadOwner(id);
    const session = await this.owners.get(id);
    const user = session === null ? null : await this.users.findStanding(session.userId);
    return user === null ? null : { user, now: new Date() };
  }

  find(id: string): Promise<Session | null> {
    return this.unitOfWork.read((manager) => manager.findOneBy(Session, { id }));
  }

  /** Most recently used first. */
  findByUser(userId: number): Promise<Session[]> {
    return this.unitOfWork.read((manager) =>
      manager.find(Session, { where: { userId }, order: { lastUsedAt: 'DESC', id: 'ASC' } }),
    );
  }

  /** The client addresses of the user's sessions. An unknown e-mail address takes the same work. */
  async findAddressesByEmail(email: string, now: Date): Promise<string[]> {
    const sessions = await this.unitOfWork.read((manager) =>
      manager.find(Session, {
        select: { id: true, address: true },
        where: { user: { email }, expiresAt: MoreThan(now) },
      }),
    );
    return sessions.flatMap(({ address }) => address ?? []);
  }

  async insert(session: Omit<Session, 'user'>): Promise<void> {
    await this.unitOfWork.write((manager) => manager.insert(Session, session));
  }

  /** Exchanges this generation for the next. @returns false when another request has done that or the session has ended */
  async rotate(id: string, generation: number, use: SessionUse): Promise<boolean> {
    const { affected } = await this.unitOfWork.write((manager) =>
      manager.update(Session, { id, generation }, { ...use, generation: generation + 1 }),
    );
    return affected === 1;
  }

  /** @returns false when the session had already ended */
  delete(id: string): Promise<boolean> {
    return this.unitOfWork.write(async (manager) => {
      const { affected } = await manager.delete(Session, { id });
      this.owners.patch(id, () => null);
      return affected === 1;
    });
  }

  /** Access tokens end no later than their session, so no client can use these sessions any more. */
  async deleteExpired(userId: number, now: Date): Promise<void> {
    await this.unitOfWork.write((manager) =>
      manager.delete(Session, { userId, expiresAt: LessThanOrEqual(now) }),
    );
  }

  /** @returns how many rows were deleted: fewer than `limit` when no more are left */
  async deleteAllExpired(limit: number): Promise<number> {
    const now = await this.unitOfWork.now();
    return deleteBatch(this.unitOfWork, Session, { expiresAt: LessThanOrEqual(now) }, limit);
  }

  private readOwners(ids: readonly string[]): Promise<(SessionOwner | null)[]> {
    return this.unitOfWork.read(async (manager) => {
      const rows = (await manager.query(STANDINGS, [ids])) as ObjectLiteral[];
      const found = new Map(
        rows.map((row) => [
          row['session_id'] as string,
          { user: fromRow<Standing>(manager, 'User', row), now: row['now'] as Date },
        ]),
      );
      return ids.map((id) => found.get(id) ?? null);
    });
  }
}
