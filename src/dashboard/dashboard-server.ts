import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DependencyDownError } from '../common/errors/common.errors.js';
import { DASHBOARD_CONTENT_SECURITY_POLICY } from '../common/http/security-headers.js';
import { createSideServer } from '../common/http/wire/auxiliary-server.js';
import type { DashboardEnv } from '../config/dashboard-env.js';
import { serveDashboard } from './dashboard-files.js';

/** The most that the API can be told to take (its BODY_LIMIT): below that it is for the API to say. */
const BODY_LIMIT = 1_048_576;
/** As long as the API waits for one. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
/** The API answers within ten seconds, or not at all. */
const UPSTREAM_TIMEOUT_MS = 15_000;

/**
 * For us or about one connection, and of no use to the API: what a client, or a proxy before us, says of the way here
 * (the API would believe it, for it trusts us), and what holds between two neighbours only (undici refuses to send it).
 */
const NOT_HANDED_ON =
  /^(forwarded|x-forwarded-.*|x-real-ip|true-client-ip|expect|upgrade|http2-settings|keep-alive|te|trailer|proxy-.*)$/;

/** What a browser was shown as the page's own address; of a proxy before us only what TRUST_PROXY lets it say. */
const isSameOrigin = ({ headers, host }: Pick<FastifyRequest, 'headers' | 'host'>) =>
  headers.origin !== undefined && URL.canParse(headers.origin) && new URL(headers.origin).host === host;

/**
 * The dashboard on an address of its own, and the API behind it: to the browser both are one origin, so that it sends
 * the refresh cookie, and nothing has to be allowed by CORS. For where the API is somewhere else.
 */
export function createDashboardServer({ API_BASE_URL, TRUST_PROXY }: DashboardEnv): FastifyInstance {
  const { origin, pathname } = API_BASE_URL;
  const instance = createSideServer({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    trustProxy: TRUST_PROXY,
    forceCloseConnections: 'idle',
    contentSecurityPolicy: DASHBOARD_CONTENT_SECURITY_POLICY,
  });
  for (const prefix of ['/v1', '/health']) {
    void instance.register(httpProxy, {
      upstream: origin,
      prefix,
      rewritePrefix: `${pathname}${prefix}`,
      undici: { headersTimeout: UPSTREAM_TIMEOUT_MS, bodyTimeout: UPSTREAM_TIMEOUT_MS },
      replyOptions: {
        // Left to itself, it would ask an API that is overloaded up to ten times more, and have the browser wait.
        retryDelay: () => null,
        onError: (reply, { error }) => void reply.send(new DependencyDownError('API', error)),
        rewriteRequestHeaders: (request, headers) => ({
          ...Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_HANDED_ON.test(name))),
          'x-request-id': request.id,
          // What the client says of itself is worth nothing. The API believes this only with us in its TRUST_PROXY.
          'x-forwarded-for': request.ip,
          // The API takes a cookie from pages of its own origin only. To the browser we are that origin.
          ...(isSameOrigin(request) && { origin }),
        }),
      },
    });
  }
  instance.get('/', (_request, reply) => reply.redirect('/dashboard'));
  if (!serveDashboard(instance)) throw new Error('the dashboard has not been built: run `npm run build`');
  return instance;
}
