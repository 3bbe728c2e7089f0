import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ENV_VARIABLES, type Env, parseEnv } from '../../src/config/env.js';

const ROOT = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const README = read('README.md');

/** The cells of every table row under a heading of a document, without the table's own two lines. */
function tableUnder(file: string, heading: string): string[][] {
  const section =
    read(file)
      .split(/^## /m)
      .find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const matches = (pattern: RegExp) => [...README.matchAll(pattern)].map(([, found]) => found!);

describe("the API guide's endpoints", () => {
  const { paths } = JSON.parse(read('openapi.json')) as {
    paths: Record<string, Record<string, { security?: object[] }>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      route: `\`${method.toUpperCase()} ${path}\``,
      everybody:
        security !== undefined &&
        (security.length === 0 || security.some((alternative) => Object.keys(alternative).length === 0)),
      admin: path.startsWith('/v1/admin'),
    })),
  );

  it("are exactly the document's operations, each with whom it is for", () => {
    const rows = tableUnder('docs/api.md', 'Endpoints').map(([route, , who]) => ({
      route,
      everybody: who === 'everybody',
      admin: who === 'admin',
    }));
    const byRoute = (a: { route?: string }, b: { route?: string }) => (a.route! < b.route! ? -1 : 1);
    expect(rows.sort(byRoute)).toEqual(operations.sort(byRoute));
  });
});

describe('the table of configuration', () => {
  const rows = tableUnder('docs/configuration.md', 'Variables').map(([name, value]) =>
    [name!, value!].map((cell) => cell.replaceAll('`', '')),
  );

  it('has exactly the variables that the server reads', () => {
    expect(rows.map(([name]) => name).sort()).toEqual([...ENV_VARIABLES].sort());
  });

  // Not that of the file which JWT_SECRET stands in for here: env.spec.ts looks at it.
  const defaults = rows.filter(([name, value]) => name !== 'JWT_SECRET_FILE' && /^\S+$/.test(value!));

  it('gives the defaults: the server reads the same settings when they are set', () => {
    const given = { JWT_SECRET: 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1' };
    const settings = ({ JWT_KEYS: _keys, ...rest }: Env) => rest;
    expect(settings(parseEnv({ ...given, ...Object.fromEntries(defaults) }))).toEqual(
      settings(parseEnv(given)),
    );
  });
});

describe('package.json', () => {
  it('pins the packages that the server is built on to exact versions', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, object>;
    const pinned = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) =>
      /^(@nestjs\/.+|fastify|ioredis|pg|sqlite3|typeorm)$/.test(name),
    );
    expect(pinned.length).toBeGreaterThan(15);
    expect(pinned.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version as string))).toEqual([]);
  });
});

describe('README', () => {
  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(matches(/`?npm run ([\w:-]+)/g)));
  });
});

/** Every document of the repository, by its path. */
const documents = (folder = ''): string[] =>
  readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = join(folder, entry.name);
    if (entry.isDirectory()) return /^(\.|node_modules$)/.test(entry.name) ? [] : documents(file);
    return file.endsWith('.md') ? [file] : [];
  });

describe('the documents', () => {
  const LINK = /\]\((?!https?:|#)([^)#\s]+)/g;
  /** A source file that is named without a link. Documents name made-up files without their folder. */
  const NAME = /`((?:src|test|bench|ops)\/[\w./-]+)`/g;

  it.each(documents())('%s links to and names only files that exist', (document) => {
    const text = read(document);
    const files = [
      ...[...text.matchAll(LINK)].map(([, link]) => join(dirname(document), link!)),
      ...[...text.matchAll(NAME)].map(([, name]) => name!),
    ];
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it.each(['docs/how-to.md', 'docs/glossary.md'])('include %s, to which README links', (document) => {
    expect(documents()).toContain(document);
    expect(README).toContain(`](${document})`);
  });

  it('list the words of the glossary in alphabetical order', () => {
    const words = [...read('docs/glossary.md').matchAll(/^\| ([a-z][a-z -]+?) +\|/gm)].map(
      ([, word]) => word!,
    );
    expect(words.length).toBeGreaterThan(25);
    expect(words.filter((word) => word !== 'word')).toEqual(words.filter((word) => word !== 'word').sort());
  });
});

describe('the shell blocks of the documents', () => {
  /** Without quoted text, where a `#` is no comment. */
  const shellBlocks = (file: string) =>
    [...read(file).matchAll(/^ *```(?:sh|bash|console|shell)\n([\s\S]*?)^ *```/gm)].map(([, block]) =>
      block!.replace(/'[^']*'|"(?:\\.|[^"\\])*"/g, '""'),
    );

  // An interactive zsh, the shell of macOS, takes the words of a comment for arguments and commands.
  it('have no comments', () => {
    const comments = documents().flatMap((file) =>
      shellBlocks(file).flatMap((block) =>
        (block.match(/(?<!\S)#.*/g) ?? []).map((comment) => `${file}: ${comment}`),
      ),
    );
    expect(comments).toEqual([]);
  });
});
