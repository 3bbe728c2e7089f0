import type { onResponseHookHandler } from 'fastify';
import type { Logger } from 'pino';
import type { HttpRequest } from '../../http/request.js';
import { tracing } from '../tracing/tracing.js';

/**
 * An onResponse hook: logs one line per request.
 * The line has the route's template, not the path or the query, because they can contain an e-mail address.
 */
export function requestLogger(logger: Logger): onResponseHookHandler {
  return (request, reply, done) => {
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
  };
}
