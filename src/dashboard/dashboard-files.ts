import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { askForWholeFile } from '../common/http/ignore-range-headers.js';

/** Seen from the source and from what it is compiled to alike. */
const BUILT = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url));
/** Where the files are whose names change with their contents. No page has such an address. */
const ASSETS = /(^|\/)assets(\/|$)/;

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
    // As the router has decoded it: an asset that is not there is no page, however it is spelled.
    const { '*': path = '' } = request.params as { '*'?: string };
    if (ASSETS.test(path)) {
      reply.callNotFound();
      return;
    }
    void reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page);
  };
  // Not waited for: that would start the instance before Nest has given it its error handler.
  void instance.register((files, _options, done) => {
    files.addHook('onRequest', (request, _reply, next) => {
      askForWholeFile(request);
      next();
    });
    void files.register(fastifyStatic, {
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
    done();
  });
  instance.get('/dashboard', sendPage);
  instance.get('/dashboard/*', sendPage);
  return true;
}
