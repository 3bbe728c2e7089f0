import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import { createAuxiliaryServer } from '../../http/wire/auxiliary-server.js';

/** Nobody who asks for metrics has anything to send. */
const BODY_LIMIT = 1024;
const REQUEST_TIMEOUT_MS = 5000;
const MAXIMUM_CONNECTIONS = 20;

/** A listener of its own for `/metrics` and nothing else: who reaches it is for the network to decide. */
export function createMetricsServer(answer: RouteHandlerMethod): FastifyInstance {
  const instance = createAuxiliaryServer({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
  // So few that they fit into the descriptors that the API's listener leaves free.
  instance.server.maxConnections = MAXIMUM_CONNECTIONS;
  instance.get('/metrics', answer);
  return instance;
}
