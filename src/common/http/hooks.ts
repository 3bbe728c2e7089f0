import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Env } from '../../config/env.js';
import { sendProblem } from '../errors/problem.filter.js';
import { requestLogger } from '../observability/logging/request-log.js';
import { requestCounter } from '../observability/metrics/http-requests.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { tracing } from '../observability/tracing/tracing.js';
import type { EarlyChecks } from './early-checks.js';
import { applyBodyLimit } from './json-body.js';
import { requestContext } from './request-context.js';
import { EXPOSED_HEADERS } from './security-headers.js';
import { closeWhileShuttingDown, rejectWhileShuttingDown } from './shutdown.js';
import { drainRequestBody } from './wire/wire.js';

interface HookDependencies {
  readonly checks: EarlyChecks;
  readonly env: Env;
  readonly logger: Logger;
  readonly metrics: Metrics | null;
}

/**
 * Registers every hook of a request. Fastify runs hooks of one kind in this order.
 *
 * | when                                 | which hooks                                                 |
 * | ------------------------------------ | ----------------------------------------------------------- |
 * | the head of the request has arrived  | onRequest                                                   |
 * | the body is parsed (json-body.ts)    | preValidation, then Nest: guards, pipes, interceptors, route |
 * | the response is ready                | onSend                                                      |
 * | the client has the response          | onResponse                                                  |
 */
export async function registerHooks(
  instance: FastifyInstance,
  { checks, env, logger, metrics }: HookDependencies,
): Promise<void> {
  const spans = tracing()?.requests;

  // Once for each route, at boot.
  instance.addHook('onRoute', checks.wire.addRoute);
  instance.addHook('onRoute', applyBodyLimit);

  if (spans) instance.addHook('onRequest', spans.startSpan);
  instance.addHook('onRequest', (request, reply, done) => {
    const { ip } = request;
    // The client has closed the connection: it has no address to count and cannot read a response.
    if (ip === undefined) {
      reply.hijack();
      request.raw.destroy();
      return;
    }
    // The socket forgets the address when the client disconnects, but rate limits and the audit log still need it.
    Object.defineProperty(request, 'ip', { value: ip });
    checks.onArrival(request, reply);
    done();
  });
  // Before the checks, because a browser's script can read an error only if the response has the CORS headers.
  await instance.register(cors, corsOptions(env));
  instance.addHook('onRequest', (request, reply, done) => {
    const problem = checks.reject(request, reply);
    // Nest's error handler does not cover the route that the CORS plugin adds for OPTIONS.
    if (request.method !== 'OPTIONS') done(problem);
    else if (problem) sendProblem(request, reply, problem);
    else void reply.code(204).send();
  });
  instance.addHook('onRequest', rejectWhileShuttingDown);

  // Not in onRequest, because reading the body leaves the asynchronous context of an earlier hook.
  if (spans) instance.addHook('preValidation', spans.activateSpan);
  instance.addHook('preValidation', (request, _reply, done) => {
    requestContext.run({ requestId: request.id, address: request.ip }, done);
  });

  instance.addHook('onSend', drainRequestBody);
  instance.addHook('onSend', closeWhileShuttingDown);

  instance.addHook('onResponse', requestLogger(logger));
  if (metrics) instance.addHook('onResponse', requestCounter(metrics));

  // Once, when the server has closed.
  instance.addHook('onClose', (_instance, done) => {
    checks.close();
    done();
  });
}

const corsOptions = (env: Env): FastifyCorsOptions => ({
  origin: env.CORS_ORIGINS,
  methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  allowedHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'X-Request-ID'],
  exposedHeaders: EXPOSED_HEADERS,
  // Browsers send the refresh cookie. No other cookie has an effect.
  credentials: true,
  strictPreflight: false,
  // The next hook answers preflights, so that they count toward the rate limit and other OPTIONS requests get a 404 or 405.
  preflightContinue: true,
  maxAge: 600,
});
