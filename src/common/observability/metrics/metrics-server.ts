import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import { createAuxiliaryServer } from '../../http/wire/auxiliary-server.js';

/** Nobody who asks for metrics has anything to send. */
const BODY_LIMIT = 1024;
const REQUEST_TIMEOUT_MS = 5000;

/** A listener of its own for `/metrics` and nothing else: who reaches it is for the network to decide. */
export function createMetricsServer(answer: RouteHandlerMethod): FastifyInstance {
  const instance = createAuxiliaryServer({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
  instance.get('/metrics', answer);
  return instance;
}
