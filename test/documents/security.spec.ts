import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCS = join(__dirname, '../../docs');
const text = readFileSync(join(DOCS, 'security.md'), 'utf8');

/** `[name](../file) “title” “another”`, wherever it stands. */
const REFERENCES = [...text.matchAll(/\]\((\.\.\/[^)]+\.ts)\)((?: “[^”]+”)*)/g)].map(
  ([, file, titles]) => [file!, [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!)] as const,
);

const ROWS = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (-+|requirement|what)/.test(line));

describe('docs/security.md', () => {
  it('names what there is', () => {
    const missing = REFERENCES.flatMap(([file, titles]) => {
      const path = join(DOCS, file);
      if (!existsSync(path)) return [file];
      const source = readFileSync(path, 'utf8').replaceAll("\\'", "'");
      return titles.filter((title) => !source.includes(title)).map((title) => `${file}: ${title}`);
    });
    expect(REFERENCES.length).toBeGreaterThan(30);
    expect(missing).toEqual([]);
  });

  it('says of every requirement what shows it', () => {
    const requirements = ROWS.slice(ROWS.findIndex((row) => row.startsWith('| 6.2.1')));
    expect(requirements.length).toBeGreaterThan(30);
    expect(requirements.filter((row) => !/\]\(\.\.\/[^)]+\.ts\) “/.test(row))).toEqual([]);
  });
});
