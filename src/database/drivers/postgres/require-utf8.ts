import type { DataSource } from 'typeorm';
import { InvalidEnvironmentError } from '../../../config/errors.js';

/**
 * Titles and names can have any Unicode character. With another encoding the server would boot and answer 500 later.
 * @throws InvalidEnvironmentError
 */
export async function requireUtf8(dataSource: DataSource): Promise<void> {
  const [row] = await dataSource.query<{ server_encoding: string }[]>('SHOW server_encoding');
  const encoding = row!.server_encoding;
  if (encoding === 'UTF8') return;
  throw new InvalidEnvironmentError([
    `DATABASE_URL names a database with the encoding ${encoding}, and the server needs UTF8: create one with ` +
      `CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`,
  ]);
}
