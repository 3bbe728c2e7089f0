import { Injectable } from '@nestjs/common';
import { type FindOptionsWhere, In, LessThanOrEqual } from 'typeorm';
import { deleteBatch } from '../../database/delete-batch.js';
import { OutboxTable } from '../../database/outbox-table.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { User } from '../../users/user.entity.js';
import { PasswordReset } from './password-reset.entity.js';

export type StoredReset = Omit<PasswordReset, 'user' | 'createdBy'>;

export interface RevokedLinks {
  /** The links of this user, with the requests for their address that the mail job has not matched to them yet. */
  readonly of?: Pick<User, 'id' | 'email'>;
  /** The links that the admin with this id created, for any user. */
  readonly createdBy?: number;
}

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

  /**
   * Call it once in a write, after locking users. It locks the rows in one order, because two admins who created links
   * for each other have rows in common: in two orders, their transactions would deadlock.
   *
   * @returns the ids of the deleted rows
   */
  deleteAll({ of: user, createdBy }: RevokedLinks): Promise<string[]> {
    const where: FindOptionsWhere<PasswordReset>[] = [];
    if (user !== undefined) where.push({ userId: user.id }, { email: user.email });
    if (createdBy !== undefined) where.push({ createdById: createdBy });
    return this.unitOfWork.write(async (manager) => {
      const rows = await manager.find(PasswordReset, {
        select: { id: true },
        where,
        order: { id: 'ASC' },
        ...this.unitOfWork.forUpdate(),
      });
      const ids = rows.map(({ id }) => id);
      if (ids.length > 0) await manager.delete(PasswordReset, { id: In(ids) });
      return ids;
    });
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
