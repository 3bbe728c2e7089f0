import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { DataSource, EntityManager, EntityTarget } from 'typeorm';
import type { Env } from '../config/env.js';
import { CacheEpoch } from './cache-epoch.entity.js';
import {
  APPLICATION_NAME,
  MIGRATIONS_TABLE,
  postgresDataSource,
  type Schema,
  sqliteDataSource,
} from './data-source.js';
import { lockFile, refuseForeignFile } from './drivers/sqlite/sqlite-file.js';
import { ADVISORY_LOCK } from './migrate.js';

/** Clients can know ids that were assigned after the backup. Their number is unknown, so the gap is large. */
export const ID_GAP = 1_000_000;

/** Makes a restored database safe to serve and empties the tables of `emptied`. Fails while a server uses it. */
export async function finishRestore(
  config: Env['DATABASE_URL'],
  schema: Schema,
  emptied: readonly EntityTarget<object>[],
): Promise<void> {
  if (config.type === 'postgres') {
    const applicationName = `${APPLICATION_NAME} after-restore`;
    const dataSource = postgresDataSource(config, schema, { applicationName, isPatient: true });
    return prepareForServing(dataSource, emptied, refuseServers);
  }
  if (!existsSync(config.file))
    throw new Error(`DATABASE_URL names ${config.file}, which does not exist; restore the backup first`);
  await refuseForeignFile(config.file);
  const unlock = await lockFile(config.file, 0);
  try {
    await prepareForServing(sqliteDataSource(config, schema, 'write'), emptied, refuseDamage);
  } finally {
    await unlock();
  }
}

async function prepareForServing(
  dataSource: DataSource,
  emptied: readonly EntityTarget<object>[],
  refuse: (manager: EntityManager) => Promise<void>,
): Promise<void> {
  await dataSource.initialize();
  try {
    await dataSource.transaction(async (manager) => {
      await refuse(manager);
      const runner = manager.queryRunner!;
      if (!(await runner.hasTable(MIGRATIONS_TABLE)))
        throw new Error('the database has no tables of this server; restore the backup first');
      await manager.update(CacheEpoch, { id: 1 }, { epoch: randomBytes(6).toString('hex') });
      // A backup of an older version lacks newer tables. The server creates them when it starts.
      for (const entity of emptied)
        if (await runner.hasTable(dataSource.getMetadata(entity).tableName))
          await manager.createQueryBuilder().delete().from(entity).execute();
      for (const { tableName, generatedColumns } of dataSource.entityMetadatas)
        for (const { generationStrategy, databaseName } of generatedColumns)
          if (generationStrategy === 'increment' && (await runner.hasTable(tableName)))
            await skipIds(manager, tableName, databaseName);
    });
  } finally {
    await dataSource.destroy();
  }
}

/** A server that starts in the meantime waits for the lock and then reads the new epoch. */
async function refuseServers(manager: EntityManager): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
  const servers = (await manager.query(
    'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
    [APPLICATION_NAME],
  )) as unknown[];
  if (servers.length > 0) throw new Error('a server is connected to the database; stop every server first');
}

async function refuseDamage(manager: EntityManager): Promise<void> {
  const [{ integrity_check: result }] = (await manager.query('PRAGMA integrity_check(1)')) as [
    { integrity_check: string },
  ];
  if (result !== 'ok') throw new Error(`the file is damaged (${result})`);
}

async function skipIds(manager: EntityManager, table: string, column: string): Promise<void> {
  if (manager.connection.options.type === 'postgres') {
    await manager.query(
      'SELECT setval(s, nextval(s) + $3) FROM CAST(pg_get_serial_sequence($1, $2) AS regclass) AS s',
      [table, column, ID_GAP],
    );
    return;
  }
  // A table that never had a row has no counter yet.
  await manager.query(
    `INSERT INTO sqlite_sequence (name, seq) SELECT $1, 0
     WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)`,
    [table],
  );
  await manager.query(`UPDATE sqlite_sequence SET seq = seq + ${ID_GAP} WHERE name = $1`, [table]);
}
