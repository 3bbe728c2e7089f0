import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { HttpRequest } from '../../http/request.js';
import { tracing } from '../tracing/tracing.js';

/** One line per answered request: the route's template, never the raw path or query, which may hold an e-mail address. */
export function logRequests(instance: FastifyInstance, logger: Logger): void {
  instance.addHook('onResponse', (request, reply, done) => {
    const line = {
      request_id: request.id,
      method: request.method,
      route: request.is404 ? null : request.routeOptions.url,
      status: reply.statusCode,
      duration_ms: Math.round(reply.elapsedTime * 10) / 10,
      address: request.ip,
      user_id: (request as HttpRequest).user?.id ?? null,
    };
    const trace = tracing()?.requests.of(request);
    logger.info(trace === undefined ? line : { ...line, ...trace }, 'request');
    done();
  });
}
