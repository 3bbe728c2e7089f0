import type { MigrationInterface, QueryRunner } from 'typeorm';
import { folded, sortKey } from '../../common/folded.js';

const BATCH = 1000;
const TYPES = ['movie', 'show'];
const STATUSES = ['planned', 'watching', 'watched', 'on_hold', 'dropped'];

interface Row {
  readonly id: number;
  readonly title: string;
  readonly created_at: string | Date;
}

/**
 * What searching, filtering, sorting, the trash and the counts by status need. Titles are no longer sorted by accent or
 * by a leading article.
 */
export class PrepareLists1796086800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const instant =
      runner.connection.options.type === 'postgres' ? 'timestamp(3) with time zone' : 'datetime(3)';
    await runner.query("ALTER TABLE watchlist_items ADD COLUMN search_text text NOT NULL DEFAULT ''");
    await runner.query("ALTER TABLE watchlist_items ADD COLUMN tag_keys text NOT NULL DEFAULT ''");
    await runner.query("ALTER TABLE watchlist_items ADD COLUMN position text NOT NULL DEFAULT ''");
    await runner.query(`ALTER TABLE watchlist_items ADD COLUMN deleted_at ${instant}`);
    await runner.query(`ALTER TABLE watchlist_items ADD COLUMN purge_at ${instant}`);
    await runner.query('CREATE INDEX ix_watchlist_items_purge_at ON watchlist_items (purge_at)');
    await forEachItem(runner, async ({ id, title, created_at }) => {
      const created = created_at instanceof Date ? created_at : new Date(`${created_at.replace(' ', 'T')}Z`);
      const position = `m${String(created.getTime()).padStart(13, '0')}${String(id).padStart(10, '0')}5`;
      await runner.query(
        'UPDATE watchlist_items SET title_key = $1, search_text = $2, position = $3 WHERE id = $4',
        [sortKey(title), `${folded(title)}\n`, position, id],
      );
    });
    for (const type of TYPES) {
      for (const status of STATUSES) {
        const column = `${type}_${status}`;
        await runner.query(`ALTER TABLE watchlists ADD COLUMN ${column} integer NOT NULL DEFAULT 0`);
        await runner.query(
          `UPDATE watchlists SET ${column} = (SELECT COUNT(*) FROM watchlist_items item
            WHERE item.user_id = watchlists.user_id AND item.type = '${type}' AND item.status = '${status}')`,
        );
      }
      await runner.query(`ALTER TABLE watchlists DROP COLUMN ${type}_count`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DELETE FROM watchlist_items WHERE deleted_at IS NOT NULL');
    for (const type of TYPES) {
      await runner.query(`ALTER TABLE watchlists ADD COLUMN ${type}_count integer NOT NULL DEFAULT 0`);
      await runner.query(
        `UPDATE watchlists SET ${type}_count = (SELECT COUNT(*) FROM watchlist_items item
          WHERE item.user_id = watchlists.user_id AND item.type = '${type}')`,
      );
      for (const status of STATUSES)
        await runner.query(`ALTER TABLE watchlists DROP COLUMN ${type}_${status}`);
    }
    await forEachItem(runner, ({ id, title }) =>
      runner.query('UPDATE watchlist_items SET title_key = $1 WHERE id = $2', [
        Buffer.from([...title.normalize('NFKC').toLowerCase()].slice(0, 512).join('')),
        id,
      ]),
    );
    await runner.query('DROP INDEX ix_watchlist_items_purge_at');
    for (const name of ['search_text', 'tag_keys', 'position', 'deleted_at', 'purge_at'])
      await runner.query(`ALTER TABLE watchlist_items DROP COLUMN ${name}`);
  }
}

async function forEachItem(runner: QueryRunner, work: (item: Row) => Promise<unknown>): Promise<void> {
  let last = 0;
  for (;;) {
    const rows = (await runner.query(
      `SELECT id, title, created_at FROM watchlist_items WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
      [last],
    )) as Row[];
    for (const row of rows) await work(row);
    if (rows.length < BATCH) return;
    last = rows.at(-1)!.id;
  }
}
