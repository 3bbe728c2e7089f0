import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const SOURCES = join(__dirname, '../../src');

/** What a file imports as a type only: gone when it runs, so that decorators see `Object` in its place. */
function typesImportedBy(file: ts.SourceFile): Set<string> {
  const clauses = file.statements.filter(ts.isImportDeclaration).map(({ importClause }) => importClause);
  return new Set(
    clauses.flatMap((clause) => {
      const bindings = clause?.namedBindings;
      if (bindings === undefined || !ts.isNamedImports(bindings)) return [];
      return bindings.elements
        .filter(({ isTypeOnly }) => isTypeOnly || clause!.phaseModifier === ts.SyntaxKind.TypeKeyword)
        .map(({ name }) => name.text);
    }),
  );
}

const decoratorsOf = (node: ts.HasDecorators) =>
  (ts.getDecorators(node) ?? []).map(({ expression }) =>
    (ts.isCallExpression(expression) ? expression.expression : expression).getText(),
  );

/** Parameters whose class Nest looks at when it runs: what a constructor is given, bodies and queries. */
function reflectedParameters(node: ts.Node): ts.ParameterDeclaration[] {
  if (ts.isConstructorDeclaration(node)) {
    if (decoratorsOf(node.parent as ts.ClassDeclaration).length === 0) return [];
    return node.parameters.filter((parameter) => decoratorsOf(parameter).length === 0);
  }
  if (!ts.isMethodDeclaration(node)) return [];
  return node.parameters.filter((parameter) =>
    decoratorsOf(parameter).some((decorator) => ['Body', 'Query'].includes(decorator)),
  );
}

/** `what: type` of each parameter that Nest cannot know the class of. */
function unknownTo(text: string): { looked: number; unknown: string[] } {
  const file = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);
  const types = typesImportedBy(file);
  const found: ts.ParameterDeclaration[] = [];
  const visit = (node: ts.Node): void => {
    found.push(...reflectedParameters(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return {
    looked: found.length,
    unknown: found
      .filter(({ type }) => types.has(type?.getText() ?? ''))
      .map((parameter) => parameter.getText()),
  };
}

/**
 * `import type` of a body's class switches its validation off without a word, and of a provider's its injection.
 * No rule of the linter's can tell these imports from those that should be `import type`.
 */
describe('a class that Nest looks at when it runs', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => ({ file, ...unknownTo(readFileSync(join(SOURCES, file), 'utf8')) }));

  it('is nowhere imported as a type only', () => {
    expect(files.filter(({ unknown }) => unknown.length > 0)).toEqual([]);
    expect(files.find(({ file }) => file.endsWith('account.controller.ts'))?.looked).toBeGreaterThan(3);
  });

  it.each([
    ["import type { Dto } from './dto.js';", ['@Body() body: Dto', 'private readonly service: Service']],
    ["import { type Dto } from './dto.js';", ['@Body() body: Dto', 'private readonly service: Service']],
    ["import { Dto } from './dto.js';", ['private readonly service: Service']],
  ])('is missed after %s', (line, unknown) => {
    const text = `${line}
      import type { Service, Store } from './service.js';
      @Controller()
      class It {
        constructor(private readonly service: Service, @Inject(STORE) private readonly store: Store) {}
        @Post() add(@Body() body: Dto, @CurrentUser() user: Store) {}
      }
      class Plain { constructor(private readonly service: Service) {} }`;
    expect(unknownTo(text).unknown.sort()).toEqual(unknown);
  });
});
