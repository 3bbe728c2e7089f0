import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.js';

/** Seconds. */
const BUCKETS = [0.0025, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** In a label's place for what no route was found for, whatever it was. */
const UNMATCHED = 'unmatched';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);

/** Each built file has a route of its own, whose name changes with its contents. */
const FILE = /(?<=\/.+)\/[^/]+\.[a-z0-9]+$/;

/** The template of the route, never the path: that has ids in it, and whoever asks can make up as many as they like. */
function routeOf({ is404, routeOptions: { url } }: FastifyRequest): string {
  // `*` answers every OPTIONS.
  return is404 || url === undefined || url === '*' ? UNMATCHED : url.replace(FILE, '/*');
}

/** Every request that got an answer, by what its log line says of it; and what the answer says of the cache. */
export function countRequests(instance: FastifyInstance, metrics: Metrics): void {
  const durations = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request until its answer was sent, by method, template of the route, and status.',
    labels: ['method', 'route', 'status'],
    buckets: BUCKETS,
  });
  const cached = metrics.counter({
    name: 'watchlist_cache_requests_total',
    help: 'Answers that may come from the cache, by what their X-Cache says.',
    label: ['outcome', ['hit', 'miss', 'bypass']],
  });
  instance.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    durations.observe(
      { method: METHODS.has(method) ? method : 'other', route: routeOf(request), status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
    const outcome = reply.getHeader('x-cache');
    if (typeof outcome === 'string') cached.inc({ outcome: outcome.toLowerCase() });
    done();
  });
}
