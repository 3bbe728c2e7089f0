import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

export class IndexTriedEmails1795482060000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createIndex(
      'audit_logs',
      new TableIndex({
        name: 'ix_audit_logs_tried_email',
        columnNames: ['actor_email'],
        where: 'actor_id IS NULL',
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex('audit_logs', 'ix_audit_logs_tried_email');
  }
}
