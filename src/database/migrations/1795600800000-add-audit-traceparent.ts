import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';

export class AddAuditTraceparent1795600800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { driver } = runner.connection;
    await runner.addColumn(
      'audit_logs',
      new TableColumn({
        name: 'traceparent',
        type: driver.normalizeType({ type: String }),
        length: '55',
        isNullable: true,
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('audit_logs', 'traceparent');
  }
}
