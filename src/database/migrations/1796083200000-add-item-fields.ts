import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/**
 * Year, status, rating and the other fields of an item. The columns are added by plain ALTER TABLE, because on SQLite
 * TypeORM would copy the whole table for each.
 */
export class AddItemFields1796083200000 implements MigrationInterface {
  private columnsOf(runner: QueryRunner): [name: string, definition: string][] {
    const instant =
      runner.connection.options.type === 'postgres' ? 'timestamp(3) with time zone' : 'datetime(3)';
    return [
      ['year', 'integer'],
      ['status', "varchar(10) NOT NULL DEFAULT 'planned'"],
      ['rating', 'integer'],
      ['notes', 'text'],
      ['tags', "text NOT NULL DEFAULT '[]'"],
      ['ids', "text NOT NULL DEFAULT '{}'"],
      ['poster_url', 'varchar(2000)'],
      ['runtime_minutes', 'integer'],
      ['release_date', 'varchar(10)'],
      ['progress', 'text'],
      ['watched_at', instant],
    ];
  }

  private async createIdsTable(runner: QueryRunner): Promise<void> {
    const { driver } = runner.connection;
    const integer = { type: driver.normalizeType({ type: Number }) };
    const text = (length: number) => ({
      type: driver.normalizeType({ type: String }),
      length: String(length),
    });
    const key = { isPrimary: true, primaryKeyConstraintName: 'pk_watchlist_item_ids' };
    await runner.createTable(
      new Table({
        name: 'watchlist_item_ids',
        columns: [
          { name: 'user_id', ...integer, ...key },
          { name: 'type', ...text(10), ...key },
          { name: 'provider', ...text(20), ...key },
          { name: 'external_id', ...text(100), ...key },
          { name: 'item_id', ...integer },
        ],
        foreignKeys: [
          {
            name: 'fk_watchlist_item_ids_item',
            columnNames: ['item_id'],
            referencedTableName: 'watchlist_items',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
        indices: [{ name: 'ix_watchlist_item_ids_item', columnNames: ['item_id'] }],
      }),
    );
  }

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, definition] of this.columnsOf(runner))
      await runner.query(`ALTER TABLE watchlist_items ADD COLUMN ${name} ${definition}`);
    await this.createIdsTable(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('watchlist_item_ids');
    for (const [name] of this.columnsOf(runner))
      await runner.query(`ALTER TABLE watchlist_items DROP COLUMN ${name}`);
  }
}
