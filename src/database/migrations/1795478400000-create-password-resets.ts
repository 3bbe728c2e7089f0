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
          { name: 'created_by_id', ...integer, isNullable: true },
          { name: 'key_id', ...text(20) },
          { name: 'created_at', ...instant },
          { name: 'expires_at', ...instant },
          { name: 'mail_due_at', ...instant, isNullable: true },
          { name: 'mail_attempts', ...integer, default: 0 },
        ],
        foreignKeys: ['user', 'created_by'].map((name) => ({
          name: `fk_password_resets_${name}`,
          columnNames: [`${name}_id`],
          referencedTableName: 'users',
          referencedColumnNames: ['id'],
          onDelete: 'CASCADE',
        })),
        indices: [
          { name: 'ix_password_resets_email', columnNames: ['email'] },
          { name: 'ix_password_resets_user', columnNames: ['user_id'] },
          { name: 'ix_password_resets_created_by', columnNames: ['created_by_id'] },
          { name: 'ix_password_resets_expires_at', columnNames: ['expires_at'] },
          { name: 'ix_password_resets_mail_due_at', columnNames: ['mail_due_at'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('password_resets');
  }
}
