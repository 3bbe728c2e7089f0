import { type ColumnType, type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class CreatePasswordResets1795478400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { driver } = runner.connection;
    const typeOf = (type: ColumnType) => driver.normalizeType({ type });
    const text = (length: number) => ({ type: typeOf(String), length: String(length) });
    const integer = { type: typeOf(Number) };
    const instant = { type: typeOf(Date), precision: 3 };
    await runner.createTable(
      new Table({
        name: 'password_resets',
        columns: [
          { name: 'id', ...text(22), isPrimary: true, primaryKeyConstraintName: 'pk_password_resets' },
          { name: 'purpose', ...text(10) },
          { name: 'email', ...text(254) },
          { name: 'user_id', ...integer, isNullable: true },
          { name: 'key_id', ...text(20) },
          { name: 'created_at', ...instant },
          { name: 'expires_at', ...instant },
          { name: 'mail_due_at', ...instant, isNullable: true },
          { name: 'mail_attempts', ...integer, default: 0 },
        ],
        foreignKeys: [
          {
            name: 'fk_password_resets_user',
            columnNames: ['user_id'],
            referencedTableName: 'users',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
        indices: ['email', 'user', 'expires_at', 'mail_due_at'].map((name) => ({
          name: `ix_password_resets_${name}`,
          columnNames: [name === 'user' ? 'user_id' : name],
        })),
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('password_resets');
  }
}
