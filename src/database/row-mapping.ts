import type { EntityManager, EntityMetadata, EntityTarget, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

interface Insert {
  readonly text: string;
  readonly columns: readonly ColumnMetadata[];
}

/** By property: what is written in place of a value. */
type Expressions = Record<string, string>;

const inserts = new WeakMap<EntityMetadata, Map<string, Insert>>();

const isPostgres = (manager: EntityManager) => manager.connection.options.type === 'postgres';

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
 * The id of a row that is being inserted. Statements that follow in its transaction can be sent before it is known
 * here: the database knows it by then.
 */
export class ComingId {
  /** The last one of each table, in each transaction: the database only remembers that. */
  private static readonly latest = new WeakMap<EntityManager, Map<string, ComingId>>();

  constructor(
    manager: EntityManager,
    private readonly table: string,
    readonly arrival: Promise<number>,
  ) {
    const { latest } = ComingId;
    latest.set(manager, (latest.get(manager) ?? new Map<string, ComingId>()).set(table, this));
    // Whoever inserts may not ask for it; that the insertion failed is told by the transaction.
    arrival.catch(() => undefined);
  }

  /** How a statement of this transaction calls it; null when others have been inserted since. */
  expressionFor(manager: EntityManager): string | null {
    const isLatest = ComingId.latest.get(manager)?.get(this.table) === this;
    return isLatest ? `currval('"${this.table}_id_seq"')` : null;
  }
}

export type Id = number | ComingId;

export async function arrived(id: Id): Promise<number> {
  return typeof id === 'number' ? id : id.arrival;
}

function insertOf(manager: EntityManager, metadata: EntityMetadata, expressions: Expressions): Insert {
  const { driver } = manager.connection;
  const key = Object.keys(expressions).join();
  const known = inserts.get(metadata)?.get(key);
  if (known !== undefined) return known;
  const columns = metadata.columns.filter((column) => !column.isGenerated);
  const names = columns.map(({ databaseName }) => driver.escape(databaseName));
  const given = columns.filter(({ propertyName }) => !(propertyName in expressions));
  const places = columns.map((column) => expressions[column.propertyName] ?? `$${given.indexOf(column) + 1}`);
  const text = `INSERT INTO ${driver.escape(metadata.tableName)} (${names.join(', ')}) VALUES (${places.join(', ')})`;
  const insert = { text: isPostgres(manager) ? `${text} RETURNING id` : text, columns: given };
  inserts.set(metadata, (inserts.get(metadata) ?? new Map<string, Insert>()).set(key, insert));
  return insert;
}

/**
 * Inserts one row and tells its id; where a transaction's statements travel together (transaction.ts), as soon as
 * it has been sent. TypeORM's own insert builds its statement anew each time and then reads back, with another one,
 * the columns that have defaults; that is most of what adding an item would cost.
 */
export async function insertRow<Row extends ObjectLiteral & { id: number }>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  row: { [Property in keyof Omit<Row, 'id'>]: Row[Property] | ComingId },
): Promise<Id> {
  const { driver } = manager.connection;
  const metadata = manager.connection.getMetadata(entity);
  const values: ObjectLiteral = { ...row };
  const expressions: Expressions = {};
  for (const [property, value] of Object.entries(row) as [string, unknown][]) {
    if (!(value instanceof ComingId)) continue;
    const expression = value.expressionFor(manager);
    if (expression === null) values[property] = await value.arrival;
    else expressions[property] = expression;
  }
  const { text, columns } = insertOf(manager, metadata, expressions);
  const parameters = columns.map((column) =>
    driver.preparePersistentValue(values[column.propertyName], column),
  ) as unknown[];
  // PostgreSQL answers with rows, SQLite's driver with the id itself.
  const answer = manager.query(text, parameters) as Promise<[{ id: number }] | number>;
  if (!isPostgres(manager)) return answer as Promise<number>;
  return new ComingId(
    manager,
    metadata.tableName,
    answer.then((rows) => (rows as [{ id: number }])[0].id),
  );
}
