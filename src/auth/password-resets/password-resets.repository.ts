import { Injectable } from '@nestjs/common';
import { LessThanOrEqual } from 'typeorm';
import { deleteBatch } from '../../database/delete-batch.js';
import { OutboxTable } from '../../database/outbox-table.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { PasswordReset } from './password-reset.entity.js';

export type StoredReset = Omit<PasswordReset, 'user' | 'createdBy'>;

@Injectable()
export class PasswordResetsRepository {
  readonly outbox: OutboxTable<StoredReset>;

  constructor(private readonly unitOfWork: UnitOfWork) {
    this.outbox = new OutboxTable<StoredReset>(unitOfWork, PasswordReset, {
      dueAt: 'mailDueAt',
      attempts: 'mailAttempts',
    });
  }

  async insert(reset: StoredReset): Promise<void> {
    await this.unitOfWork.write((manager) => manager.insert(PasswordReset, reset));
  }

  find(id: string): Promise<StoredReset | null> {
    return this.unitOfWork.read((manager) => manager.findOneBy(PasswordReset, { id }));
  }

  /** @returns false when the row did not exist any more */
  async delete(id: string): Promise<boolean> {
    const { affected } = await this.unitOfWork.write((manager) => manager.delete(PasswordReset, { id }));
    return affected === 1;
  }

  /** Includes requests with their address that the mail job has not matched to the user yet. */
  async deleteByUser(userId: number, email: string): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager.delete(PasswordReset, { userId });
      await manager.delete(PasswordReset, { email });
    });
  }

  /** Deletes the links that this admin created, for any user. */
  async deleteCreatedBy(createdById: number): Promise<void> {
    await this.unitOfWork.write((manager) => manager.delete(PasswordReset, { createdById }));
  }

  /** @returns false when the row does not exist any more */
  async assign(id: string, to: Pick<StoredReset, 'userId' | 'keyId'>): Promise<boolean> {
    const { affected } = await this.unitOfWork.write((manager) => manager.update(PasswordReset, { id }, to));
    return affected === 1;
  }

  /** @returns how many rows were deleted: fewer than `limit` when no more are left */
  async deleteExpired(limit: number): Promise<number> {
    const now = await this.unitOfWork.now();
    return deleteBatch(this.unitOfWork, PasswordReset, { expiresAt: LessThanOrEqual(now) }, limit);
  }
}
