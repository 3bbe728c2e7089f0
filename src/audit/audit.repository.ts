import { Injectable } from '@nestjs/common';
import { In, IsNull, LessThan, Not } from 'typeorm';
import type { Page } from '../common/pagination/page.query.js';
import { deleteBatch } from '../database/delete-batch.js';
import { OutboxTable } from '../database/outbox-table.js';
import { insertRow } from '../database/row-mapping.js';
import { POSTGRES_NOW, UnitOfWork } from '../database/unit-of-work.js';
import { AuditLog, type Changes } from './audit-log.entity.js';

export interface AuditFilter {
  readonly skip: number;
  readonly limit: number;
  readonly actorId?: number;
  readonly action?: string;
  readonly resourceType?: string;
  readonly resourceId?: number;
  /** Inclusive. */
  readonly from?: Date;
  /** Exclusive. */
  readonly to?: Date;
}

export type NewAuditLog = Omit<AuditLog, 'id' | 'occurredAt' | 'deliveryDueAt'>;

@Injectable()
export class AuditRepository {
  readonly outbox: OutboxTable<AuditLog>;

  constructor(private readonly unitOfWork: UnitOfWork) {
    this.outbox = new OutboxTable(unitOfWork, AuditLog, {
      dueAt: 'deliveryDueAt',
      attempts: 'deliveryAttempts',
    });
  }

  /**
   * Writes the row with the database's time, without asking for it first: every change to an item writes a row.
   *
   * @param isDelivered true when the webhook gets the row. The same in every call.
   */
  insert(row: NewAuditLog, isDelivered: boolean): Promise<number> {
    return this.unitOfWork.write((manager) => {
      if (this.unitOfWork.hasConcurrentWriters)
        return insertRow<AuditLog, 'occurredAt' | 'deliveryDueAt'>(manager, AuditLog, row, {
          occurredAt: POSTGRES_NOW,
          deliveryDueAt: isDelivered ? POSTGRES_NOW : 'NULL',
        });
      const occurredAt = new Date();
      return insertRow(manager, AuditLog, {
        ...row,
        occurredAt,
        deliveryDueAt: isDelivered ? occurredAt : null,
      });
    });
  }

  /** Newest first. */
  findPage({ skip, limit, from, to, ...exact }: AuditFilter): Promise<Page<AuditLog>> {
    return this.unitOfWork.read(async (manager) => {
      const query = manager
        .createQueryBuilder(AuditLog, 'log')
        .orderBy('log.id', 'DESC')
        .offset(skip)
        .limit(limit);
      for (const [column, value] of Object.entries(exact)) {
        if (value !== undefined) query.andWhere(`log.${column} = :${column}`, { [column]: value });
      }
      if (from) query.andWhere({ occurredAt: Not(LessThan(from)) });
      if (to) query.andWhere({ occurredAt: LessThan(to) });
      const [rows, total] = await query.getManyAndCount();
      return { rows, total };
    });
  }

  /** Counts the rows that the webhook has not accepted yet, up to `limit`. */
  countUndelivered(limit: number): Promise<number> {
    return this.unitOfWork.read(async (manager) => {
      const some = manager
        .createQueryBuilder(AuditLog, 'log')
        .select('log.id', 'id')
        .where({ deliveryDueAt: Not(IsNull()) })
        .limit(limit);
      const row = await manager
        .createQueryBuilder()
        .select('COUNT(*)', 'count')
        .from(`(${some.getQuery()})`, 'some')
        .setParameters(some.getParameters())
        .getRawOne<{ count: number | string }>();
      return Number(row!.count);
    });
  }

  /**
   * Removes the user's e-mail addresses from the rows that record a change of address.
   *
   * @returns the removed addresses
   */
  eraseEmailsInChanges(userId: number): Promise<string[]> {
    return this.unitOfWork.write(async (manager) => {
      const rows = await manager
        .createQueryBuilder(AuditLog, 'log')
        .where({ resourceType: 'user', resourceId: userId })
        .andWhere('log.changes LIKE :withEmail', { withEmail: '%"email":%' })
        .getMany();
      for (const { id, changes } of rows) {
        const anonymous: Changes = { ...changes, email: { from: null, to: null } };
        await manager.update(AuditLog, { id }, { changes: anonymous as never });
      }
      return rows.flatMap(({ changes: { email } }) =>
        [email?.from, email?.to].filter((value) => typeof value === 'string'),
      );
    });
  }

  /** Anonymizes the user's own rows and the failed logins with their addresses, including those before registration. */
  async eraseActorEmail(userId: number, emails: readonly string[]): Promise<void> {
    const anonymous = { actorEmail: null };
    await this.unitOfWork.write(async (manager) => {
      await manager.update(AuditLog, { actorId: userId, actorEmail: Not(IsNull()) }, anonymous);
      const failedSignIn = { actorId: IsNull(), actorEmail: Not(IsNull()) };
      await manager.update(
        AuditLog,
        { ...failedSignIn, resourceType: 'user', resourceId: userId },
        anonymous,
      );
      const unknownUser = { actorId: IsNull(), resourceId: IsNull() };
      await manager.update(AuditLog, { ...unknownUser, actorEmail: In(emails) }, anonymous);
    });
  }

  /** @returns how many rows were deleted: fewer than `limit` when no older rows are left */
  async deleteOlderThan(ageMs: number, limit: number): Promise<number> {
    const now = await this.unitOfWork.now();
    const date = new Date(now.getTime() - ageMs);
    return deleteBatch(this.unitOfWork, AuditLog, { occurredAt: LessThan(date) }, limit);
  }
}
