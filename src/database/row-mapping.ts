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

function insertStatementFor(
  manager: EntityManager,
  metadata: EntityMetadata,
  queries: Readonly<Record<string, string | undefined>>,
): Insert {
  const known = inserts.get(metadata);
  if (known !== undefined) return known;
  const { driver } = manager.connection;
  const all = metadata.columns.filter((column) => !column.isGenerated);
  const columns = all.filter(({ propertyName }) => queries[propertyName] === undefined);
  const placeOf = (property: string) =>
    `$${columns.findIndex(({ propertyName }) => propertyName === property) + 1}`;
  const values = all.map(({ propertyName }) => {
    const query = queries[propertyName];
    return query === undefined
      ? placeOf(propertyName)
      : `(${query.replace(/:(\w+)/g, (_name, property: string) => placeOf(property))})`;
  });
  const names = all.map(({ databaseName }) => driver.escape(databaseName));
  const text = `INSERT INTO ${driver.escape(metadata.tableName)} (${names.join(', ')}) VALUES (${values.join(', ')})`;
  const insert = { text: isPostgres(manager) ? `${text} RETURNING id` : text, columns };
  inserts.set(metadata, insert);
  return insert;
}

/**
 * Inserts one row and returns its id. TypeORM's own insert rebuilds its statement each time and reads default values
 * back in a second statement, which is most of the cost of adding an item.
 *
 * @param queries for columns that take their value from a query. It can use the row's other values as `:property`. The
 * queries of an entity are always the same.
 */
export async function insertRow<
  Row extends ObjectLiteral & { id: number },
  Queried extends keyof Row = never,
>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  row: Omit<Row, 'id' | Queried>,
  queries: Readonly<Record<Queried, string>> = {} as Record<Queried, string>,
): Promise<number> {
  const { driver } = manager.connection;
  const { text, columns } = insertStatementFor(manager, manager.connection.getMetadata(entity), queries);
  const values: ObjectLiteral = row;
  const parameters = columns.map((column) =>
    driver.preparePersistentValue(values[column.propertyName], column),
  ) as unknown[];
  const answer = (await manager.query(text, parameters)) as [{ id: number }] | number;
  // PostgreSQL returns rows. SQLite's driver returns the id.
  return typeof answer === 'number' ? answer : answer[0].id;
}
