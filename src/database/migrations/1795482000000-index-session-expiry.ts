import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

export class IndexSessionExpiry1795482000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createIndex(
      'sessions',
      new TableIndex({ name: 'ix_sessions_expires_at', columnNames: ['expires_at'] }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex('sessions', 'ix_sessions_expires_at');
  }
}
