import { type ColumnType, type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class CreateSessions1795420800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { driver } = runner.connection;
    const typeOf = (type: ColumnType) => driver.normalizeType({ type });
    const text = (length: number) => ({ type: typeOf(String), length: String(length) });
    const integer = { type: typeOf(Number) };
    const instant = { type: typeOf(Date), precision: 3 };
    await runner.createTable(
      new Table({
        name: 'sessions',
        columns: [
          { name: 'id', ...text(22), isPrimary: true, primaryKeyConstraintName: 'pk_sessions' },
          { name: 'user_id', ...integer },
          { name: 'generation', ...integer, default: 0 },
          { name: 'key_id', ...text(20) },
          { name: 'device', ...text(255), isNullable: true },
          { name: 'address', ...text(45), isNullable: true },
          { name: 'created_at', ...instant },
          { name: 'last_used_at', ...instant },
          { name: 'expires_at', ...instant },
        ],
        foreignKeys: [
          {
            name: 'fk_sessions_user',
            columnNames: ['user_id'],
            referencedTableName: 'users',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
        indices: [{ name: 'ix_sessions_user', columnNames: ['user_id', 'last_used_at'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('sessions');
  }
}
