import type { EntityManager, EntityMetadata, EntityTarget, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

interface Insert {
  readonly text: string;
  readonly columns: readonly ColumnMetadata[];
}

const inserts = new WeakMap<EntityMetadata, Insert>();

const isPostgres = (manager: EntityManager) => manager.connection.options.type === 'postgres';

/** Builds an entity from a raw row, which has the database's column names. Missing columns stay undefined. */
export function fromRow<Entity extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntityTarget<Entity>,
  row: ObjectLiteral,
): Entity {
  const { driver } = manager.connection;
  const record: ObjectLiteral = {};
  for (const column of manager.connection.getMetadata(entity).columns) {
    const value: unknown = row[column.databaseName];
    if (value !== undefined) record[column.propertyName] = driver.prepareHydratedValue(value, column);
  }
  return record as Entity;
}

function insertStatementFor(manager: EntityManager, metadata: EntityMetadata): Insert {
  const known = inserts.get(metadata);
  if (known !== undefined) return known;
  const { driver } = manager.connection;
  const columns = metadata.columns.filter((column) => !column.isGenerated);
  const names = columns.map(({ databaseName }) => driver.escape(databaseName));
  const places = columns.map((_column, index) => `$${index + 1}`);
  const text = `INSERT INTO ${driver.escape(metadata.tableName)} (${names.join(', ')}) VALUES (${places.join(', ')})`;
  const insert = { text: isPostgres(manager) ? `${text} RETURNING id` : text, columns };
  inserts.set(metadata, insert);
  return insert;
}

/**
 * Inserts one row and returns its id. TypeORM's own insert rebuilds its statement each time and reads default values
 * back in a second statement, which is most of the cost of adding an item.
 */
export async function insertRow<Row extends ObjectLiteral & { id: number }>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  row: Omit<Row, 'id'>,
): Promise<number> {
  const { driver } = manager.connection;
  const { text, columns } = insertStatementFor(manager, manager.connection.getMetadata(entity));
  const values: ObjectLiteral = row;
  const parameters = columns.map((column) =>
    driver.preparePersistentValue(values[column.propertyName], column),
  ) as unknown[];
  const answer = (await manager.query(text, parameters)) as [{ id: number }] | number;
  // PostgreSQL returns rows. SQLite's driver returns the id.
  return typeof answer === 'number' ? answer : answer[0].id;
}
