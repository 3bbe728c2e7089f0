import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, ROOMY, signUp } from '../support/server-client.js';
import { startServer } from '../support/server-process.js';
import { createPostgres, createSqlite, emptyRedis } from '../support/stack.js';

/** What rolldown.config.js leaves where it is, and what that needs. */
const APART =
  /^(sqlite3|bcrypt|bindings|file-uri-to-path|node-gyp-build|swagger-ui-dist|@opentelemetry\/api)$/;

/** Writes down each file that is loaded, be it by `import` or by `require`. */
const recorder = (file: string) => `
  import { appendFileSync } from 'node:fs';
  import Module, { register } from 'node:module';
  const hook = \`import { appendFileSync } from 'node:fs';
    export function load(url, context, next) { appendFileSync(${JSON.stringify(file)}, url + '\\\\n'); return next(url, context); }\`;
  register('data:text/javascript,' + encodeURIComponent(hook));
  process.on('exit', () => appendFileSync(${JSON.stringify(file)}, Object.keys(Module._cache).join('\\n')));
`;

describe('the built server', () => {
  it.each(['sqlite', ...(process.env['TEST_REDIS_URL'] ? ['postgres'] : [])])(
    'has all that it runs on in it, once: of node_modules it takes only what stands apart (%s)',
    async (database) => {
      const folder = mkdtempSync(join(tmpdir(), 'watchlist-bundle-'));
      const [loaded, preloaded] = [join(folder, 'loaded'), join(folder, 'preloaded.mjs')];
      writeFileSync(preloaded, recorder(loaded));
      const storage = database === 'sqlite' ? await createSqlite() : await createPostgres();
      const server = await startServer({
        env: {
          ...ROOMY,
          ...storage.env,
          NODE_ENV: 'production',
          METRICS_TOKEN: 'a-token-for-nothing-but-this',
          ...(database === 'postgres' && { REDIS_URL: await emptyRedis() }),
        },
        nodeOptions: ['--import', preloaded],
      });
      try {
        const { token } = await signUp(server.url);
        const add = { title: 'Parasite', type: 'movie' };
        expect((await call(server.url, { path: '/v1/watchlists/items', token, body: add })).status).toBe(201);
        for (const path of ['/docs', '/openapi.json', '/dashboard', '/v1/watchlists', '/v1/external/github'])
          await (await fetch(server.url + path, { headers: { authorization: `Bearer ${token}` } })).text();
        server.signal('SIGTERM');
        expect((await server.exited).code).toBe(0);
        const packages = readFileSync(loaded, 'utf8')
          .split('\n')
          .flatMap((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
        expect(packages).toContain('bcrypt');
        expect([...new Set(packages)].filter((name) => !APART.test(name))).toEqual([]);
      } finally {
        await server.remove();
        await storage.remove();
        rmSync(folder, { recursive: true });
      }
    },
    60_000,
  );
});
