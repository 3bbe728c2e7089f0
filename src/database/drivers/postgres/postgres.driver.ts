import type { Pool } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { PostgresConfig } from '../../../config/env-fields.js';
import { postgresDataSource, type Schema } from '../../data-source.js';
import type { DatabaseDriver } from '../database-driver.js';
import { inTransaction, type Work } from '../../transaction.js';
import { migrate } from '../../migrate.js';
import { requireUtf8 } from './require-utf8.js';

/** TypeORM does not declare this method publicly. */
type PostgresQueryRunner = QueryRunner & { releasePostgresConnection(error: Error): Promise<void> };

export class PostgresDriver implements DatabaseDriver {
  readonly hasConcurrentWriters = true;

  private constructor(private readonly dataSource: DataSource) {}

  static async open(config: PostgresConfig, schema: Schema): Promise<PostgresDriver> {
    const dataSource = await postgresDataSource(config, schema).initialize();
    try {
      await requireUtf8(dataSource);
      await migrate(dataSource);
    } catch (error) {
      await dataSource.destroy();
      throw error;
    }
    return new PostgresDriver(dataSource);
  }

  get reader(): EntityManager {
    return this.dataSource.manager;
  }

  async transaction<T>(work: Work<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner() as PostgresQueryRunner;
    try {
      // The error makes the pool discard the connection, because its transaction can still be open.
      const [result] = await inTransaction(runner, [work], {
        isPipelined: true,
        rollbackFailed: (error) => runner.releasePostgresConnection(error),
      });
      return result as T;
    } finally {
      await runner.release();
    }
  }

  get waiting(): number {
    return (this.dataSource.driver as unknown as { master: Pool }).master.waitingCount;
  }

  async ping(): Promise<void> {
    await this.dataSource.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }
}
