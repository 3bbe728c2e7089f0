import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const COUNTERS = ['version', 'movie_count', 'show_count'] as const;
/** The columns of `users` that held the same numbers. */
const OLD_COLUMNS = ['list_version', 'movie_count', 'show_count'] as const;

/**
 * Gives each list a row of its own and each item a version. The columns change by plain ALTER TABLE, because on SQLite
 * TypeORM would copy the whole table.
 */
export class CreateWatchlists1796076000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const integer = runner.connection.driver.normalizeType({ type: Number });
    await runner.createTable(
      new Table({
        name: 'watchlists',
        columns: [
          { name: 'user_id', type: integer, isPrimary: true, primaryKeyConstraintName: 'pk_watchlists' },
          ...COUNTERS.map((name) => ({ name, type: integer })),
        ],
        foreignKeys: [
          {
            name: 'fk_watchlists_user',
            columnNames: ['user_id'],
            referencedTableName: 'users',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
      }),
    );
    await runner.query(
      `INSERT INTO watchlists (user_id, ${COUNTERS.join(', ')}) SELECT id, ${OLD_COLUMNS.join(', ')} FROM users`,
    );
    for (const name of OLD_COLUMNS) await runner.query(`ALTER TABLE users DROP COLUMN ${name}`);
    await runner.query('ALTER TABLE watchlist_items ADD COLUMN version integer NOT NULL DEFAULT 0');
    await runner.query(
      'UPDATE watchlist_items SET version = (SELECT version FROM watchlists WHERE user_id = watchlist_items.user_id)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE watchlist_items DROP COLUMN version');
    for (const [index, name] of OLD_COLUMNS.entries()) {
      await runner.query(`ALTER TABLE users ADD COLUMN ${name} integer NOT NULL DEFAULT 0`);
      await runner.query(
        `UPDATE users SET ${name} = COALESCE((SELECT ${COUNTERS[index]} FROM watchlists WHERE user_id = users.id), 0)`,
      );
    }
    await runner.dropTable('watchlists');
  }
}
