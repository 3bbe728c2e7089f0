import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

/** From the top down: a folder imports from those below it. Folders in one row do not import from each other. */
const LAYERS = [
  ['main'],
  ['create-app', 'cli'],
  ['app.module'],
  ['schema'],
  ['admin'],
  ['watchlists', 'external', 'health', 'dashboard'],
  ['auth'],
  ['users'],
  ['audit'],
  ['database'],
  ['common'],
  ['config'],
];
/** The same within auth/. */
const AUTH = [
  ['auth.module'],
  ['guards'],
  ['account'],
  ['sign-in'],
  ['password-resets'],
  ['passwords'],
  ['personal-tokens'],
  ['sessions'],
  ['access'],
];
const PRIVATE = /\/dto\/|\.(repository|controller)\.js$/;
const ENTITY = /\.entity\.js$/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isOurs: boolean;
  readonly isType: boolean;
}

const SRC = join(__dirname, '../../src');

/** Every import of one of our own files (as a path below src/) or of a package (by its name). */
const IMPORTS: Import[] = (readdirSync(SRC, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .flatMap((from) => {
    const source = ts.createSourceFile(from, readFileSync(join(SRC, from), 'utf8'), ts.ScriptTarget.Latest);
    return source.statements
      .filter((statement) => ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement))
      .filter(({ moduleSpecifier }) => moduleSpecifier !== undefined)
      .map((statement) => {
        const name = (statement.moduleSpecifier as ts.StringLiteral).text;
        const to = name.startsWith('.') ? normalize(join(dirname(from), name)) : name;
        return {
          from,
          to,
          isOurs: to !== name,
          isType: ts.isImportDeclaration(statement) && isTypeOnly(statement.importClause),
        };
      });
  });

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return (
    bindings !== undefined && ts.isNamedImports(bindings) && bindings.elements.every((e) => e.isTypeOnly)
  );
}

const ownImports = IMPORTS.filter(({ isOurs }) => isOurs);
const firstPart = (path: string) => path.split('/')[0]!.replace(/\.(ts|js)$/, '');
const told = (imports: readonly Import[]) => imports.map(({ from, to }) => `${from} imports ${to}`);

/** Imports that go up, or sideways between two folders of one row. */
function againstTheWay(imports: readonly Import[], layers: readonly string[][], below: string): string[] {
  const placeOf = (path: string) => firstPart(path.slice(below.length));
  const rank = (path: string) => layers.findIndex((row) => row.includes(placeOf(path)));
  return told(
    imports.filter(
      ({ from, to }) => placeOf(from) !== placeOf(to) && (rank(from) === -1 || rank(from) >= rank(to)),
    ),
  );
}

describe('imports', () => {
  it('are found', () => {
    expect(ownImports.length).toBeGreaterThan(500);
  });

  it('go down the layers', () => {
    expect(againstTheWay(ownImports, LAYERS, '')).toEqual([]);
  });

  it('go down the layers of auth/', () => {
    const within = ownImports.filter(({ from, to }) => [from, to].every((path) => path.startsWith('auth/')));
    expect(againstTheWay(within, AUTH, 'auth/')).toEqual([]);
  });

  it("leave another feature's DTOs, repositories and controllers alone", () => {
    const across = ownImports.filter(({ from, to }) => firstPart(from) !== firstPart(to));
    expect(told(across.filter(({ to }) => PRIVATE.test(to)))).toEqual([]);
  });

  it("take another feature's entity as a type, except in an entity, a repository and the schema", () => {
    const across = ownImports.filter(
      ({ from, to }) => firstPart(from) !== firstPart(to) && from !== 'schema.ts',
    );
    const values = across.filter(({ to, isType }) => ENTITY.test(to) && !isType);
    expect(told(values.filter(({ from }) => !from.endsWith('.entity.ts')))).toEqual([]);
  });

  it('name TypeORM in entities, repositories and database/ only, and the drivers in database/ only', () => {
    const outside = IMPORTS.filter(({ from }) => !from.startsWith('database/'));
    const drivers = outside.filter(({ to }) => /^(sqlite3|pg)(\/|$)/.test(to));
    const orm = outside.filter(
      ({ from, to }) => /^typeorm(\/|$)/.test(to) && !/\.(entity|repository)\.ts$/.test(from),
    );
    expect(told([...drivers, ...orm])).toEqual([]);
  });
});
