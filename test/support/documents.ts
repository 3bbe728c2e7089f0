import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

/** The text of a file, by its path in the repository. */
export const readDocument = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Every document of the repository, by its path. */
export const documents = (folder = ''): string[] =>
  readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = join(folder, entry.name);
    if (entry.isDirectory()) return /^(\.|node_modules$)/.test(entry.name) ? [] : documents(file);
    return file.endsWith('.md') ? [file] : [];
  });

/** The blocks of a document that a reader pastes into a shell. */
export const shellBlocks = (file: string): string[] =>
  [...readDocument(file).matchAll(/^ *```(?:sh|bash|console|shell)\n([\s\S]*?)^ *```/gm)].map(
    ([, block]) => block!,
  );
