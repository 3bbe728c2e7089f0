import { randomBytes } from 'node:crypto';
import {
  type ColumnType,
  type MigrationInterface,
  type QueryRunner,
  Table,
  type TableColumnOptions,
} from 'typeorm';

export class CreateSchema1763856000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { driver } = runner.connection;
    const typeOf = (type: ColumnType) => driver.normalizeType({ type });
    const text = (length: number) => ({ type: typeOf(String), length: String(length) });
    const integer = { type: typeOf(Number) };
    const instant = { type: typeOf(Date), precision: 3 };
    const bytes = { type: typeOf(Buffer as unknown as ColumnType) };
    const id = (table: string): TableColumnOptions => ({
      name: 'id',
      ...integer,
      isPrimary: true,
      isGenerated: true,
      generationStrategy: 'increment',
      primaryKeyConstraintName: `pk_${table}`,
    });

    await runner.createTable(
      new Table({
        name: 'users',
        columns: [
          id('users'),
          { name: 'email', ...text(254) },
          { name: 'password_hash', ...text(100) },
          { name: 'role', ...text(10) },
          {
            name: 'disabled',
            type: typeOf(Boolean),
            default: driver.normalizeDefault({ default: false } as never),
          },
          { name: 'list_version', ...integer, default: 0 },
          { name: 'movie_count', ...integer, default: 0 },
          { name: 'show_count', ...integer, default: 0 },
          { name: 'created_at', ...instant },
        ],
        indices: [
          { name: 'uq_users_email', columnNames: ['email'], isUnique: true },
          { name: 'ix_users_role', columnNames: ['role'] },
        ],
      }),
    );

    await runner.createTable(
      new Table({
        name: 'watchlist_items',
        columns: [
          id('watchlist_items'),
          { name: 'user_id', ...integer },
          { name: 'title', ...text(255) },
          { name: 'title_key', ...bytes },
          { name: 'type', ...text(10) },
          { name: 'created_at', ...instant },
          { name: 'updated_at', ...instant },
        ],
        foreignKeys: [
          {
            name: 'fk_watchlist_items_user',
            columnNames: ['user_id'],
            referencedTableName: 'users',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
        indices: [
          { name: 'ix_watchlist_items_created', columnNames: ['user_id', 'created_at', 'id'] },
          { name: 'ix_watchlist_items_title', columnNames: ['user_id', 'title_key', 'id'] },
          { name: 'ix_watchlist_items_type_created', columnNames: ['user_id', 'type', 'created_at', 'id'] },
          { name: 'ix_watchlist_items_type_title', columnNames: ['user_id', 'type', 'title_key', 'id'] },
        ],
      }),
    );

    await runner.createTable(
      new Table({
        name: 'audit_logs',
        columns: [
          id('audit_logs'),
          { name: 'occurred_at', ...instant },
          { name: 'actor_id', ...integer, isNullable: true },
          { name: 'actor_email', ...text(254), isNullable: true },
          { name: 'action', ...text(60) },
          { name: 'resource_type', ...text(40) },
          { name: 'resource_id', ...integer, isNullable: true },
          { name: 'changes', type: typeOf('simple-json') },
          { name: 'request_id', ...text(128), isNullable: true },
          { name: 'address', ...text(45), isNullable: true },
          { name: 'delivery_due_at', ...instant, isNullable: true },
          { name: 'delivery_attempts', ...integer, default: 0 },
        ],
        indices: [
          { name: 'ix_audit_logs_actor', columnNames: ['actor_id', 'id'] },
          { name: 'ix_audit_logs_action', columnNames: ['action', 'id'] },
          { name: 'ix_audit_logs_resource', columnNames: ['resource_type', 'resource_id', 'id'] },
          { name: 'ix_audit_logs_occurred_at', columnNames: ['occurred_at'] },
          { name: 'ix_audit_logs_delivery_due_at', columnNames: ['delivery_due_at'] },
        ],
      }),
    );

    await runner.createTable(
      new Table({
        name: 'cache_epoch',
        columns: [
          { name: 'id', ...integer, isPrimary: true, primaryKeyConstraintName: 'pk_cache_epoch' },
          { name: 'epoch', ...text(32) },
        ],
      }),
    );
    await runner.manager.insert('cache_epoch', { id: 1, epoch: randomBytes(6).toString('hex') });
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['cache_epoch', 'audit_logs', 'watchlist_items', 'users'])
      await runner.dropTable(table);
  }
}
