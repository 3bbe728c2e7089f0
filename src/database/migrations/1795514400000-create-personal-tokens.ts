import { type ColumnType, type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class CreatePersonalTokens1795514400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { driver } = runner.connection;
    const typeOf = (type: ColumnType) => driver.normalizeType({ type });
    const text = (length: number) => ({ type: typeOf(String), length: String(length) });
    const integer = { type: typeOf(Number) };
    const instant = { type: typeOf(Date), precision: 3 };
    await runner.createTable(
      new Table({
        name: 'personal_tokens',
        columns: [
          {
            name: 'id',
            ...integer,
            isPrimary: true,
            isGenerated: true,
            generationStrategy: 'increment',
            primaryKeyConstraintName: 'pk_personal_tokens',
          },
          { name: 'user_id', ...integer },
          { name: 'slot', ...integer },
          { name: 'name', ...text(100) },
          { name: 'hash', ...text(43) },
          { name: 'scopes', type: typeOf('simple-array') },
          { name: 'created_at', ...instant },
          { name: 'expires_at', ...instant, isNullable: true },
          { name: 'last_used_at', ...instant, isNullable: true },
          { name: 'last_address', ...text(45), isNullable: true },
        ],
        foreignKeys: [
          {
            name: 'fk_personal_tokens_user',
            columnNames: ['user_id'],
            referencedTableName: 'users',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
        indices: [
          { name: 'uq_personal_tokens_slot', columnNames: ['user_id', 'slot'], isUnique: true },
          { name: 'uq_personal_tokens_hash', columnNames: ['hash'], isUnique: true },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('personal_tokens');
  }
}
