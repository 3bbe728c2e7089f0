import type { DataSource } from 'typeorm';
import { InvalidEnvironmentError } from '../../../config/errors.js';
import { MIGRATIONS_TABLE } from '../../data-source.js';

interface Found {
  readonly encoding: string;
  readonly is_read_only: boolean;
  readonly role: string;
  /** Where new tables go. Null when the search path names no schema that exists. */
  readonly schema: string | null;
  readonly may_create: boolean | null;
  /** Where the server's tables are already. */
  readonly schemas_with_tables: string[];
}

const FACTS = `SELECT current_setting('server_encoding') AS encoding,
  current_setting('transaction_read_only') = 'on' AS is_read_only,
  current_user AS role, current_schema() AS schema,
  has_schema_privilege(current_schema(), 'CREATE') AS may_create,
  ARRAY(SELECT schemaname::text FROM pg_tables WHERE tablename = $1 ORDER BY schemaname) AS schemas_with_tables`;

/**
 * Refuses what the server would fail on later, or what would make it serve an empty database.
 *
 * @returns the schema with the tables, or where they are to be made
 * @throws InvalidEnvironmentError
 */
export async function requireUsable(dataSource: DataSource): Promise<string> {
  const [found] = await dataSource.query<[Found]>(FACTS, [MIGRATIONS_TABLE]);
  const problem = problemWith(found);
  if (problem !== undefined) throw new InvalidEnvironmentError([`DATABASE_URL names ${problem}`]);
  return found.schema!;
}

function problemWith(found: Found): string | undefined {
  const { encoding, is_read_only, role, schema, may_create, schemas_with_tables } = found;
  // Titles and names can have any Unicode character.
  if (encoding !== 'UTF8')
    return (
      `a database with the encoding ${encoding}, and the server needs UTF8: create one with ` +
      `CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`
    );
  if (is_read_only)
    return (
      'a database that accepts no writes: name the primary and not a standby, ' +
      'or set default_transaction_read_only to off'
    );
  if (schema === null)
    return `a database where the search_path of the role ${role} leads to no schema: run ALTER ROLE ${role} RESET search_path`;
  if (schemas_with_tables.includes(schema)) return undefined;
  const [other] = schemas_with_tables;
  if (other !== undefined)
    return (
      `a database with the server's tables in the schema ${other}, and the search_path of the role ${role} ` +
      `leads to the schema ${schema}: run ALTER ROLE ${role} SET search_path = ${other}`
    );
  if (!may_create)
    return `a database where the role ${role} cannot create tables: run GRANT CREATE ON SCHEMA ${schema} TO ${role}`;
  return undefined;
}
