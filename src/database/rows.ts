import type { EntityManager, EntityTarget, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

interface Insert {
  readonly text: string;
  readonly columns: readonly ColumnMetadata[];
}

const inserts = new WeakMap<object, Insert>();

/** One record from a row that was selected under the columns' own names; only what is in the row. */
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

/**
 * Inserts one row and tells its id. TypeORM's own insert builds its statement anew each time and then reads back,
 * with another one, the columns that have defaults; that is most of what adding an item would cost.
 */
export async function insertRow<Row extends ObjectLiteral & { id: number }>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  row: Omit<Row, 'id'>,
): Promise<number> {
  const { driver } = manager.connection;
  const metadata = manager.connection.getMetadata(entity);
  let insert = inserts.get(metadata);
  if (insert === undefined) {
    const columns = metadata.columns.filter((column) => !column.isGenerated);
    const names = columns.map(({ databaseName }) => driver.escape(databaseName));
    const places = columns.map((_column, index) => `$${index + 1}`);
    const text = `INSERT INTO ${driver.escape(metadata.tableName)} (${names.join(', ')}) VALUES (${places.join(', ')})`;
    insert = { text: driver.options.type === 'postgres' ? `${text} RETURNING id` : text, columns };
    inserts.set(metadata, insert);
  }
  const values = insert.columns.map((column) =>
    driver.preparePersistentValue((row as ObjectLiteral)[column.propertyName], column),
  ) as unknown[];
  // PostgreSQL answers with rows, SQLite's driver with the id itself.
  const answer = (await manager.query(insert.text, values)) as [{ id: number }] | number;
  return typeof answer === 'number' ? answer : answer[0].id;
}
