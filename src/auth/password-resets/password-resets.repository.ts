import { Injectable } from '@nestjs/common';
import { In, LessThanOrEqual } from 'typeorm';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { PasswordReset } from './password-reset.entity.js';

export type StoredReset = Omit<PasswordReset, 'user' | 'createdBy'>;

@Injectable()
export class PasswordResetsRepository {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  async insert(reset: StoredReset): Promise<void> {
    await this.unitOfWork.write((manager) => manager.insert(PasswordReset, reset));
  }

  find(id: string): Promise<StoredReset | null> {
    return this.unitOfWork.read((manager) => manager.findOneBy(PasswordReset, { id }));
  }

  /** @returns false when it was gone already */
  async delete(id: string): Promise<boolean> {
    const { affected } = await this.unitOfWork.write((manager) => manager.delete(PasswordReset, { id }));
    return affected === 1;
  }

  /** Also what has been asked for with their address, and has not been looked at yet. */
  async deleteOf(userId: number, email: string): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager.delete(PasswordReset, { userId });
      await manager.delete(PasswordReset, { email });
    });
  }

  /** The links that this admin has made, for whomever. */
  async deleteMadeBy(createdById: number): Promise<void> {
    await this.unitOfWork.write((manager) => manager.delete(PasswordReset, { createdById }));
  }

  /** @returns false when it is gone */
  async assign(id: string, to: Pick<StoredReset, 'userId' | 'keyId'>): Promise<boolean> {
    const { affected } = await this.unitOfWork.write((manager) => manager.update(PasswordReset, { id }, to));
    return affected === 1;
  }

  /** Takes the mail that has waited longest and puts off its next try, so that no other instance takes it meanwhile. */
  claimDue(now: Date, leasedUntil: Date): Promise<StoredReset | null> {
    return this.unitOfWork.write(async (manager) => {
      const [row] = await manager.find(PasswordReset, {
        where: { mailDueAt: LessThanOrEqual(now) },
        order: { mailDueAt: 'ASC', id: 'ASC' },
        take: 1,
        ...(this.unitOfWork.hasConcurrentWriters && {
          lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
        }),
      });
      if (row === undefined) return null;
      await manager.update(PasswordReset, { id: row.id }, { mailDueAt: leasedUntil });
      return row;
    });
  }

  async markMailed(id: string): Promise<void> {
    await this.unitOfWork.write((manager) => manager.update(PasswordReset, { id }, { mailDueAt: null }));
  }

  /** After a try that failed. */
  async putOff(id: string, dueAt: Date): Promise<void> {
    await this.unitOfWork.write((manager) =>
      manager.update(PasswordReset, { id }, { mailDueAt: dueAt, mailAttempts: () => 'mail_attempts + 1' }),
    );
  }

  /** Waits for nobody: what is in use will be gone by itself, or the next time. @returns how many went */
  deleteExpired(now: Date, limit: number): Promise<number> {
    return this.unitOfWork.write(async (manager) => {
      const rows = await manager.find(PasswordReset, {
        select: { id: true },
        where: { expiresAt: LessThanOrEqual(now) },
        take: limit,
        ...(this.unitOfWork.hasConcurrentWriters && {
          lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
        }),
      });
      if (rows.length > 0) await manager.delete(PasswordReset, { id: In(rows.map(({ id }) => id)) });
      return rows.length;
    });
  }
}
