import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** The same path from `src/` and from `dist/`. */
const BUILT = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url));
/** The folder of the files whose names change with their contents. No page has such a path. */
const ASSETS = /(^|\/)assets(\/|$)/;

/**
 * Serves the page at `/dashboard` and at every path below it, and the files that the page loads.
 * Each file has its own route, so that no other path reaches the file system.
 *
 * @returns false when the dashboard is not built; the API works without it
 */
export function serveDashboard(instance: FastifyInstance, folder = BUILT): boolean {
  const index = `${folder}index.html`;
  if (!existsSync(index)) return false;
  const page = readFileSync(index, 'utf8');
  const sendPage = (request: FastifyRequest, reply: FastifyReply) => {
    // The router has decoded the path, so an encoded spelling of a missing asset does not get the page either.
    const { '*': path = '' } = request.params as { '*'?: string };
    if (ASSETS.test(path)) {
      reply.callNotFound();
      return;
    }
    void reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page);
  };
  // Not awaited, because that would start the instance before Nest has set its error handler.
  void instance.register((files, _options, done) => {
    void files.register(fastifyStatic, {
      root: folder,
      prefix: '/dashboard/',
      wildcard: false,
      index: false,
      decorateReply: false,
      cacheControl: false,
      preCompressed: true,
      globIgnore: ['**/*.{br,gz}'],
      setHeaders: (reply, path) => {
        const isAsset = path.startsWith(`${folder}assets`);
        reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
    done();
  });
  instance.get('/dashboard', sendPage);
  instance.get('/dashboard/*', sendPage);
  return true;
}
