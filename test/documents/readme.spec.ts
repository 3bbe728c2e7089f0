import { ENV_VARIABLES, type Env, parseEnv } from '../../src/config/env.js';
import { readDocument as read } from '../support/documents.js';

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

describe("the API guide's endpoints", () => {
  const { paths } = JSON.parse(read('openapi.json')) as {
    paths: Record<string, Record<string, { security?: object[] }>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      route: `\`${method.toUpperCase()} ${path}\``,
      isPublic:
        security !== undefined &&
        (security.length === 0 || security.some((alternative) => Object.keys(alternative).length === 0)),
      admin: path.startsWith('/v1/admin'),
    })),
  );

  it("are exactly the document's operations, each with whom it is for", () => {
    const rows = tableUnder('docs/api.md', 'Endpoints').map(([route, , who]) => ({
      route,
      isPublic: who === 'anyone',
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
