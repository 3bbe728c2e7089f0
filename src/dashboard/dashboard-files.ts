import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Seen from the source and from what it is compiled to alike. */
const BUILT = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url));
/** Their names change with their contents. */
const ASSETS = '/dashboard/assets/';

/**
 * The page at `/dashboard`, and at every address below it that it makes up itself; and the files that it loads.
 * Each file has a route of its own, so that whatever else is asked for never reaches the file system.
 *
 * @returns false when the dashboard has not been built: everything else works without it
 */
export function serveDashboard(instance: FastifyInstance, folder = BUILT): boolean {
  const index = `${folder}index.html`;
  if (!existsSync(index)) return false;
  const page = readFileSync(index, 'utf8');
  const sendPage = (request: FastifyRequest, reply: FastifyReply) => {
    if (request.url.startsWith(ASSETS)) {
      reply.callNotFound();
      return;
    }
    void reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page);
  };
  // Not waited for: that would start the instance before Nest has given it its error handler.
  void instance.register(fastifyStatic, {
    root: folder,
    prefix: '/dashboard/',
    wildcard: false,
    index: false,
    decorateReply: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isAsset = path.startsWith(`${folder}assets`);
      reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  instance.get('/dashboard', sendPage);
  instance.get('/dashboard/*', sendPage);
  return true;
}
