import { Global, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ENV, type Env } from '../config/env.js';
import { CacheEpoch } from './cache-epoch.entity.js';
import type { Database } from './database.js';
import { PostgresDatabaseConnection } from './postgres.database.js';
import { SqliteDatabaseConnection } from './sqlite.database.js';
import { UnitOfWork } from './unit-of-work.js';

export async function openDatabase(config: Env['DATABASE_URL']): Promise<UnitOfWork> {
  const database: Database =
    config.type === 'sqlite'
      ? await SqliteDatabaseConnection.open(config)
      : await PostgresDatabaseConnection.open(config);
  const { epoch } = await database.reader.findOneByOrFail(CacheEpoch, { id: 1 });
  return new UnitOfWork(database, epoch);
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
@Module({
  providers: [
    { provide: UnitOfWork, inject: [ENV], useFactory: (env: Env) => openDatabase(env.DATABASE_URL) },
    DatabaseCloser,
  ],
  exports: [UnitOfWork],
})
export class DatabaseModule {}
