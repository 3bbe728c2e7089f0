import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '../..');

interface Subclass {
  readonly name: string;
  readonly parent: string;
  /** What it hands to its parent's constructor, as written. */
  readonly handsOn: readonly string[];
}

/** Read from the syntax, not by pattern: no line break or comment hides an error from this. */
function read(file: string): { subclasses: Subclass[]; creates: string[] } {
  const subclasses: Subclass[] = [];
  const creates: string[] = [];
  const visit = (node: ts.Node, within?: string[]): void => {
    let handsOn = within;
    if (ts.isClassLike(node)) {
      handsOn = [];
      const parent = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
        ?.types[0];
      if (parent !== undefined) {
        subclasses.push({ name: node.name?.text ?? '?', parent: parent.expression.getText(), handsOn });
      }
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword) {
      handsOn!.push(...node.arguments.map((argument) => argument.getText()));
    }
    if (ts.isNewExpression(node)) creates.push(node.expression.getText());
    ts.forEachChild(node, (child) => visit(child, handsOn));
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
  return { subclasses, creates };
}

const SOURCES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .map((file) => ({ file, ...read(join(ROOT, 'src', file)) }));

const errors = (parent: string) =>
  SOURCES.flatMap(({ subclasses }) => subclasses.filter((subclass) => subclass.parent === parent));

/** `[status, code, when, what to do]` of each row. */
const ROWS = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('docs/errors.md', () => {
  it('lists exactly the codes that the server knows, each with its status', () => {
    const known = errors('ProblemError').map(({ handsOn: [status, code] }) => `${status} ${code}`);
    expect(known).toContain("404 'ITEM_NOT_FOUND'");
    const listed = ROWS.map(([status, code]) => `${status} '${code!.replaceAll('`', '')}'`);
    expect(listed.sort()).toEqual(known.sort());
  });

  it.each(ROWS)('says of %s %s when it is given and what to do', (...row) => {
    expect(row).toEqual([
      expect.stringMatching(/^\d{3}$/),
      expect.stringMatching(/^`[A-Z_]+`$/),
      ...Array(2).fill(expect.stringMatching(/\w/)),
    ]);
  });

  it('sorts them by status and code', () => {
    const order = ROWS.map(([status, code]) => `${status} ${code}`);
    expect(order).toEqual([...order].sort());
  });
});

describe('a problem', () => {
  it('is always of a class of its own, which stands beside its feature', () => {
    const elsewhere = SOURCES.filter(({ creates }) => creates.includes('ProblemError')).map(
      ({ file }) => file,
    );
    expect(elsewhere).toEqual([]);
    const homes = SOURCES.filter(({ subclasses }) =>
      subclasses.some(({ parent }) => parent === 'ProblemError'),
    );
    expect(homes.map(({ file }) => file)).toEqual(homes.map(() => expect.stringMatching(/\.errors\.ts$/)));
  });

  it('says its status and code itself: no class extends such a class', () => {
    const children = errors('ProblemError').flatMap(({ name }) => errors(name));
    expect(children).toEqual([]);
  });
});
