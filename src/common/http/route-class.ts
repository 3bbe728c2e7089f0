import type { FastifyRequest } from 'fastify';
import { pathOf } from './path.js';
import { DASHBOARD_CONTENT_SECURITY_POLICY, DOCS_CONTENT_SECURITY_POLICY } from './security-headers.js';

interface RouteClass {
  /** The prefix of the routes. `isExact`: this route only, nothing below it. */
  readonly prefix: string;
  readonly isExact?: true;
  /** Counts toward the rate limit of the client's address. */
  readonly isCounted: boolean;
  /** Gets a 503 while the server is overloaded. */
  readonly isShed: boolean;
  readonly isTraced: boolean;
  /** Serves files, so Range and precondition headers are removed from the request. */
  readonly servesFiles?: true;
  readonly headers?: Readonly<Record<string, string>>;
}

const NO_STORE = { 'cache-control': 'no-store' };

/** How the hooks treat a route. The first class that matches applies; OTHER applies to all remaining routes. */
const ROUTE_CLASS: readonly RouteClass[] = [
  // Health checks bypass rate limiting and load shedding. Probes call them all the time, so they are not traced.
  { prefix: '/health', isCounted: false, isShed: false, isTraced: false },
  { prefix: '/metrics', isExact: true, isCounted: true, isShed: false, isTraced: false },
  // Monitoring must get through under overload, but it queries the database, so rate limits apply.
  {
    prefix: '/v1/health/detailed',
    isExact: true,
    isCounted: true,
    isShed: false,
    isTraced: true,
    headers: NO_STORE,
  },
  { prefix: '/v1', isCounted: true, isShed: true, isTraced: true, headers: NO_STORE },
  {
    prefix: '/docs',
    isCounted: true,
    isShed: true,
    isTraced: true,
    servesFiles: true,
    headers: { 'content-security-policy': DOCS_CONTENT_SECURITY_POLICY },
  },
  {
    prefix: '/dashboard',
    isCounted: true,
    isShed: true,
    isTraced: true,
    servesFiles: true,
    headers: { 'content-security-policy': DASHBOARD_CONTENT_SECURITY_POLICY },
  },
];
const OTHER: RouteClass = { prefix: '/', isCounted: true, isShed: true, isTraced: true };

export function routeClassOf(request: FastifyRequest): RouteClass {
  const path = routePathOf(request);
  return (
    ROUTE_CLASS.find(
      ({ prefix, isExact }) => path === prefix || (!isExact && path.startsWith(`${prefix}/`)),
    ) ?? OTHER
  );
}

/** The path as the route declares it. A client can spell it differently: `/%761/auth/me` is `/v1/auth/me`. */
export function routePathOf(request: FastifyRequest): string {
  const { url } = request.routeOptions;
  return url === undefined || url === '*' ? pathOf(request.url) : url;
}
