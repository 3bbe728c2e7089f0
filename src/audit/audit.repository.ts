import { Injectable } from '@nestjs/common';
import { In, IsNull, LessThan, LessThanOrEqual, Not } from 'typeorm';
import type { Page } from '../common/pagination/page.query.js';
import { insertRow } from '../database/row-mapping.js';
import { UnitOfWork } from '../database/unit-of-work.js';
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

export type NewAuditLog = Omit<AuditLog, 'id'>;

@Injectable()
export class AuditRepository {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  insert(row: NewAuditLog): Promise<number> {
    return this.unitOfWork.write((manager) => insertRow(manager, AuditLog, row));
  }

  /** Newest first. */
  page({ skip, limit, from, to, ...exact }: AuditFilter): Promise<Page<AuditLog>> {
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

  /**
   * Takes rows that are due and puts off their next try, so that no other instance takes them meanwhile. Taken by
   * a flag on each row, not "all after the last id": on PostgreSQL ids become visible out of order.
   */
  claimDue(now: Date, limit: number, leasedUntil: Date): Promise<AuditLog[]> {
    return this.unitOfWork.write(async (manager) => {
      const rows = await manager.find(AuditLog, {
        where: { deliveryDueAt: LessThanOrEqual(now) },
        // Who has waited longest, so that old events that keep failing do not always come before new ones.
        order: { deliveryDueAt: 'ASC', id: 'ASC' },
        take: limit,
        ...(this.unitOfWork.hasConcurrentWriters && {
          lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
        }),
      });
      if (rows.length > 0) {
        const ids = In(rows.map(({ id }) => id));
        await manager.update(AuditLog, { id: ids }, { deliveryDueAt: leasedUntil });
      }
      return rows;
    });
  }

  /** How many are still to be delivered; `limit` also when there are more. */
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

  find(id: number): Promise<AuditLog | null> {
    return this.unitOfWork.read((manager) => manager.findOneBy(AuditLog, { id }));
  }

  async markDelivered(id: number): Promise<void> {
    await this.unitOfWork.write((manager) => manager.update(AuditLog, { id }, { deliveryDueAt: null }));
  }

  /** After a try that failed. */
  async putOff(id: number, dueAt: Date): Promise<void> {
    await this.unitOfWork.write((manager) =>
      manager.update(
        AuditLog,
        { id },
        { deliveryDueAt: dueAt, deliveryAttempts: () => 'delivery_attempts + 1' },
      ),
    );
  }

  /** Gives back rows that were claimed and not tried. */
  async release(ids: readonly number[], dueAt: Date): Promise<void> {
    await this.unitOfWork.write((manager) =>
      manager.update(AuditLog, { id: In(ids) }, { deliveryDueAt: dueAt }),
    );
  }

  /**
   * Takes the addresses out of the rows that tell of a change of them; few, however much a user does.
   *
   * @returns what they were
   */
  eraseEmailsInChanges(userId: number): Promise<string[]> {
    return this.unitOfWork.write(async (manager) => {
      const rows = await manager
        .createQueryBuilder(AuditLog, 'log')
        .where({ resourceType: 'user', resourceId: userId })
        .andWhere('log.changes LIKE :withEmail', { withEmail: '%"email":%' })
        .getMany();
      for (const { id, changes } of rows) {
        const unnamed: Changes = { ...changes, email: { from: null, to: null } };
        await manager.update(AuditLog, { id }, { changes: unnamed as never });
      }
      return rows.flatMap(({ changes: { email } }) =>
        [email?.from, email?.to].filter((value) => typeof value === 'string'),
      );
    });
  }

  /** In what this user did, and in what somebody did who tried to be them, before they were known too. */
  async eraseActorEmail(userId: number, emails: readonly string[]): Promise<void> {
    const unnamed = { actorEmail: null };
    await this.unitOfWork.write(async (manager) => {
      await manager.update(AuditLog, { actorId: userId, actorEmail: Not(IsNull()) }, unnamed);
      const tried = { actorId: IsNull(), actorEmail: Not(IsNull()) };
      await manager.update(AuditLog, { ...tried, resourceType: 'user', resourceId: userId }, unnamed);
      const nobody = { actorId: IsNull(), resourceId: IsNull() };
      await manager.update(AuditLog, { ...nobody, actorEmail: In(emails) }, unnamed);
    });
  }

  /** @returns how many went; fewer than `limit` when nothing older is left */
  async deleteBefore(date: Date, limit: number): Promise<number> {
    return this.unitOfWork.write(async (manager) => {
      const rows = await manager.find(AuditLog, {
        select: { id: true },
        where: { occurredAt: LessThan(date) },
        take: limit,
      });
      if (rows.length > 0) await manager.delete(AuditLog, { id: In(rows.map(({ id }) => id)) });
      return rows.length;
    });
  }
}
