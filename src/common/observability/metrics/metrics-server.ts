import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import { createAuxiliaryServer } from '../../http/wire/auxiliary-server.js';

/** Requests for metrics need no body. */
const BODY_LIMIT = 1024;
const REQUEST_TIMEOUT_MS = 5000;
const MAXIMUM_CONNECTIONS = 20;

/** Serves `/metrics` on its own port without a token. The network decides which clients reach it. */
export function createMetricsServer(answer: RouteHandlerMethod): FastifyInstance {
  const instance = createAuxiliaryServer({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
  // They fit into the file descriptors that connection-limit.ts reserves.
  instance.server.maxConnections = MAXIMUM_CONNECTIONS;
  instance.get('/metrics', answer);
  return instance;
}
