import type { Pool } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { PostgresConfig } from '../../../config/env-fields.js';
import { POOL_SIZE, postgresDataSource, type Schema } from '../../data-source.js';
import type { DatabaseDriver } from '../database-driver.js';
import { inTransaction, type Work } from '../../transaction.js';
import { isReadOnly } from '../../errors.js';
import { migrate } from '../../migrate.js';
import type { PgClient } from './pg-client.js';
import { requireUsable } from './require-usable.js';

/** TypeORM does not declare this method publicly. */
type PostgresQueryRunner = QueryRunner & { releasePostgresConnection(error: Error): Promise<void> };

export class PostgresDriver implements DatabaseDriver {
  readonly hasConcurrentWriters = true;
  private replacedAt = -Infinity;

  private constructor(private readonly dataSource: DataSource) {}

  static async open(config: PostgresConfig, schema: Schema): Promise<PostgresDriver> {
    const patient = await postgresDataSource(config, schema, { isPatient: true }).initialize();
    try {
      const tablesIn = await requireUsable(patient);
      await migrate(patient);
      // Before the other one closes: after-restore looks for connections of servers (finish-restore.ts).
      return new PostgresDriver(await postgresDataSource(config, schema, { tablesIn }).initialize());
    } finally {
      await patient.destroy();
    }
  }

  get reader(): EntityManager {
    return this.dataSource.manager;
  }

  async transaction<T>(work: Work<T>): Promise<T> {
    const runner = this.createRunner();
    try {
      // The error makes the pool discard the connection, because its transaction can still be open.
      const [result] = await inTransaction(runner, [work], {
        isPipelined: true,
        rollbackFailed: (error) => runner.releasePostgresConnection(error),
      });
      return result as T;
    } catch (error) {
      if (isReadOnly(error)) this.replaceConnections();
      throw error;
    } finally {
      await runner.release();
    }
  }

  get waiting(): number {
    return (this.dataSource.driver as unknown as { master: Pool }).master.waitingCount;
  }

  async ping(): Promise<void> {
    await this.transaction((manager) => manager.query('UPDATE cache_epoch SET epoch = epoch'));
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }

  /** After a failover, open connections can lead to the old node, which is read-only now. At most once a second. */
  private replaceConnections(): void {
    const now = performance.now();
    if (now < this.replacedAt + 1000) return;
    this.replacedAt = now;
    for (let count = 0; count < POOL_SIZE; count++) void this.replaceConnection().catch(() => undefined);
  }

  private async replaceConnection(): Promise<void> {
    const runner = this.createRunner();
    const { createdAt } = (await runner.connect()) as PgClient;
    if (createdAt < this.replacedAt)
      await runner.releasePostgresConnection(new Error('the node is read-only'));
    else await runner.release();
  }

  private createRunner(): PostgresQueryRunner {
    return this.dataSource.createQueryRunner() as PostgresQueryRunner;
  }
}
