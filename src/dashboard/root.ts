import type { FastifyInstance } from 'fastify';

const ADDRESSES = { dashboard: '/dashboard', docs: '/docs', openapi: '/openapi.json' };

/** `GET /` leads a browser to the dashboard. It tells a program the addresses. */
export function serveRoot(instance: FastifyInstance, hasDashboard: boolean): void {
  instance.get('/', (request, reply) => {
    reply.header('vary', 'Accept, Origin').header('cache-control', 'no-cache');
    const isBrowser = /\btext\/html\b/.test(request.headers.accept ?? '');
    if (isBrowser) return reply.redirect(hasDashboard ? ADDRESSES.dashboard : ADDRESSES.docs, 302);
    return reply.send(ADDRESSES);
  });
}
