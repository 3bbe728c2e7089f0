import { type DynamicModule, Global, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { METRICS } from '../common/observability/metrics/metrics.module.js';
import type { Metrics } from '../common/observability/metrics/metrics.js';
import { REDIS_NAMESPACE } from '../common/redis/redis.module.js';
import { ENV, type Env } from '../config/env.js';
import { CacheEpoch } from './cache-epoch.entity.js';
import type { Schema } from './data-source.js';
import type { DatabaseDriver } from './drivers/database-driver.js';
import { PostgresDriver } from './drivers/postgres/postgres.driver.js';
import { SqliteDriver } from './drivers/sqlite/sqlite.driver.js';
import { UnitOfWork } from './unit-of-work.js';

export async function openDatabase(config: Env['DATABASE_URL'], schema: Schema): Promise<UnitOfWork> {
  const driver: DatabaseDriver =
    config.type === 'sqlite'
      ? await SqliteDriver.open(config, schema)
      : await PostgresDriver.open(config, schema);
  const { epoch } = await driver.reader.findOneByOrFail(CacheEpoch, { id: 1 });
  return new UnitOfWork(driver, epoch);
}

async function open(env: Env, metrics: Metrics | null, schema: Schema): Promise<UnitOfWork> {
  const unitOfWork = await openDatabase(env.DATABASE_URL, schema);
  metrics?.gauge({
    name: 'watchlist_database_up',
    help: '1 if the database accepts a write, otherwise 0.',
    read: () => unitOfWork.ping().then(() => 1),
    fallback: 0,
  });
  metrics?.gauge({
    name: 'watchlist_database_waiting',
    help: 'Queries that wait for a connection (PostgreSQL) or transactions that wait for their turn (SQLite).',
    read: () => unitOfWork.waiting,
  });
  return unitOfWork;
}

/** Closes after the server has answered its last request, not when Nest begins to shut down. */
@Injectable()
class DatabaseCloser implements OnApplicationShutdown {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  onApplicationShutdown(): Promise<void> {
    return this.unitOfWork.close();
  }
}

@Global()
@Module({})
export class DatabaseModule {
  static forRoot(schema: Schema): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        {
          provide: UnitOfWork,
          inject: [ENV, METRICS],
          useFactory: (env: Env, metrics: Metrics | null) => open(env, metrics, schema),
        },
        { provide: REDIS_NAMESPACE, inject: [UnitOfWork], useFactory: ({ epoch }: UnitOfWork) => epoch },
        DatabaseCloser,
      ],
      exports: [UnitOfWork, REDIS_NAMESPACE],
    };
  }
}
