import { type EntityTarget, type FindOptionsOrder, type FindOptionsWhere, LessThanOrEqual } from 'typeorm';
import type { QueryDeepPartialEntity } from 'typeorm/query-builder/QueryPartialEntity.js';
import type { OutboxStore } from '../common/jobs/outbox.js';
import type { UnitOfWork } from './unit-of-work.js';

type KeysOf<Row, Value> = { [Key in keyof Row & string]: Row[Key] extends Value ? Key : never }[keyof Row &
  string];

export interface OutboxColumns<Row> {
  /** When the job handles the row next; null when it is done. Needs an index. */
  readonly dueAt: KeysOf<Row, Date | null>;
  /** How many attempts have failed. */
  readonly attempts: KeysOf<Row, number>;
}

/** Lets an {@link Outbox} work through the rows of an entity. */
export class OutboxTable<Row extends { id: number | string }> implements OutboxStore<Row> {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly entity: EntityTarget<Row>,
    private readonly columns: OutboxColumns<Row>,
  ) {}

  /** Marks each row instead of remembering the last id, because ids become visible out of order on PostgreSQL. */
  claim(leaseMs: number): Promise<Row | null> {
    const { dueAt } = this.columns;
    return this.unitOfWork.write(async (manager) => {
      const now = await this.unitOfWork.now();
      const row = await manager.findOne(this.entity, {
        where: { [dueAt]: LessThanOrEqual(now) } as FindOptionsWhere<Row>,
        // The longest-waiting row comes first, so that rows that keep failing do not block new ones.
        order: { [dueAt]: 'ASC', id: 'ASC' } as FindOptionsOrder<Row>,
        ...this.unitOfWork.forUpdate({ skipLocked: true }),
      });
      if (row !== null) await this.update(row, { [dueAt]: new Date(now.getTime() + leaseMs) });
      return row;
    });
  }

  markDone(row: Row): Promise<void> {
    return this.update(row, { [this.columns.dueAt]: null });
  }

  reschedule(row: Row, delayMs: number): Promise<void> {
    const { dueAt, attempts } = this.columns;
    return this.unitOfWork.write(async () => {
      const now = await this.unitOfWork.now();
      await this.update(row, {
        [dueAt]: new Date(now.getTime() + delayMs),
        [attempts]: (row[attempts] as number) + 1,
      });
    });
  }

  private async update({ id }: Row, change: object): Promise<void> {
    await this.unitOfWork.write((manager) =>
      manager.update(this.entity, { id } as FindOptionsWhere<Row>, change as QueryDeepPartialEntity<Row>),
    );
  }
}
