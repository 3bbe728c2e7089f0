import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documents, readDocument, shellBlocks } from '../support/documents.js';

const ROOT = join(__dirname, '../..');

const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!);

/** Without blocks of code, where brackets and `#` mean something else. */
const proseOf = (file: string) => readDocument(file).replace(/^ *```[\s\S]*?^ *```/gm, '');

/** The anchors of a document's headings, as GitHub makes them. A second heading of the same text gets `-1`. */
function anchorsOf(file: string): string[] {
  const seen = new Map<string, number>();
  return matches(proseOf(file), /^#+ (.+)$/gm).map((heading) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

/** Links and pictures that lead into the repository, in Markdown and in HTML. */
const linksOf = (file: string) =>
  matches(proseOf(file), /(?:\]\(|(?:href|src)=")(?!https?:|mailto:)([^)"\s]+)/g).map((link) => {
    const [path, anchor] = link.split('#') as [string, string | undefined];
    return { link, target: path === '' ? file : join(dirname(file), path), anchor };
  });

describe('the documents', () => {
  it.each(documents())('%s links to files and headings that exist', (file) => {
    const broken = linksOf(file).filter(
      ({ target, anchor }) =>
        !existsSync(join(ROOT, target)) ||
        (anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor)),
    );
    expect(broken).toEqual([]);
  });

  /** A source file that is named without a link. Documents name made-up files without their folder. */
  const NAME = /`((?:src|test|bench|ops)\/[\w./-]+)`/g;

  it.each(documents())('%s names only files that exist', (file) => {
    expect(matches(readDocument(file), NAME).filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  it('name scripts of package.json that exist', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as { scripts: Record<string, string> };
    const named = documents().flatMap((file) => matches(readDocument(file), /npm run ([\w:-]+)/g));
    // The changelog also names what was removed.
    expect([...Object.keys(scripts), 'restore']).toEqual(expect.arrayContaining(named));
  });

  it('are all within reach of README', () => {
    const reached = new Set(['README.md']);
    for (const file of reached) {
      for (const { target } of linksOf(file)) if (target.endsWith('.md')) reached.add(target);
    }
    expect([...reached].sort()).toEqual(documents().sort());
  });

  it('list the words of the glossary in alphabetical order', () => {
    const words = matches(readDocument('docs/glossary.md'), /^\| ([a-z][a-z -]+?) +\|/gm);
    expect(words.length).toBeGreaterThan(25);
    expect(words.filter((word) => word !== 'word')).toEqual(words.filter((word) => word !== 'word').sort());
  });
});

describe('README', () => {
  it('has at most 900 words', () => {
    expect(readDocument('README.md').split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(900);
  });

  it.each(['docs/how-to.md', 'docs/glossary.md'])('links to %s', (file) => {
    expect(linksOf('README.md').map(({ target }) => target)).toContain(file);
  });
});

describe('the shell blocks of the documents', () => {
  // An interactive zsh, the shell of macOS, takes the words of a comment for arguments and commands.
  it('have no comments', () => {
    const comments = documents().flatMap((file) =>
      shellBlocks(file)
        // Without quoted text, where a `#` is no comment.
        .map((block) => block.replace(/'[^']*'|"(?:\\.|[^"\\])*"/g, '""'))
        .flatMap((block) => (block.match(/(?<!\S)#.*/g) ?? []).map((comment) => `${file}: ${comment}`)),
    );
    expect(comments).toEqual([]);
  });
});
