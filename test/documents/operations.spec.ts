import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCS = join(__dirname, '../../docs');
const text = readFileSync(join(DOCS, 'operations.md'), 'utf8');
const found = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, match]) => match!))];

describe('docs/operations.md', () => {
  it.each(found(/node dist\/([\w-]+)\.js/g))('names the command %s, which is built', (name) => {
    const sources = ['', 'cli/'].map((folder) => join(DOCS, '../src', folder, `${name}.ts`));
    expect(sources.some((file) => existsSync(file))).toBe(true);
  });

  it.each(found(/\[(--[\w-]+)\]/g))('names the option %s, which is there', (option) => {
    expect(readFileSync(join(DOCS, '../src/cli/after-restore.ts'), 'utf8')).toContain(option);
  });
});
