import type { FastifyRequest, onResponseHookHandler } from 'fastify';
import type { Metrics } from './metrics.js';

const BUCKETS_SECONDS = [0.0025, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** The label of every request that matches no route. */
const UNMATCHED = 'unmatched';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);

/** Each built file of the dashboard has its own route, and its name changes with its contents. */
const FILE = /(?<=\/.+)\/[^/]+\.[a-z0-9]+$/;

/** The route's template, not the path, because clients could create any number of label values. */
function routeOf({ is404, routeOptions: { url } }: FastifyRequest): string {
  // The CORS plugin's route for OPTIONS.
  return is404 || url === undefined || url === '*' ? UNMATCHED : url.replace(FILE, '/*');
}

/** An onResponse hook: counts requests and their durations, and the outcomes of the cache. */
export function requestCounter(metrics: Metrics): onResponseHookHandler {
  const durations = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request until its response was sent, by method, route template and status.',
    labels: ['method', 'route', 'status'],
    buckets: BUCKETS_SECONDS,
  });
  const cached = metrics.counter({
    name: 'watchlist_cache_requests_total',
    help: 'Responses of cached routes, by the outcome in X-Cache.',
    label: ['outcome', ['hit', 'miss', 'bypass']],
  });
  return (request, reply, done) => {
    const { method } = request;
    durations.observe(
      { method: METHODS.has(method) ? method : 'other', route: routeOf(request), status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
    const outcome = reply.getHeader('x-cache');
    if (typeof outcome === 'string') cached.inc({ outcome: outcome.toLowerCase() });
    done();
  };
}
