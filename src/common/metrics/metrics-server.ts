import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandlerMethod,
} from 'fastify';
import { BadRequestError, MethodNotAllowedError, NotFoundError } from '../errors/common.errors.js';
import { sendProblem } from '../errors/problem.filter.js';
import { toProblem } from '../errors/to-problem.js';
import { AllowedMethods } from '../http/allowed-methods.js';
import { pathOf } from '../http/path.js';
import { requestIdOf } from '../http/request-id.js';
import { SECURITY_HEADERS } from '../http/security-headers.js';

/** Nobody who asks for metrics has anything to send. */
const BODY_LIMIT = 1024;
const REQUEST_TIMEOUT_MS = 5000;

function receive({ id }: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', id).headers(SECURITY_HEADERS);
}

/** A listener of its own for `/metrics` and nothing else: who reaches it is for the network to decide. */
export function createMetricsServer(answer: RouteHandlerMethod): FastifyInstance {
  const instance = fastify({
    requestIdHeader: false,
    genReqId: requestIdOf,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: 1000 },
    routerOptions: { ignoreTrailingSlash: true },
    // Before any hook runs.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      receive(request, reply);
      sendProblem(request, reply, new BadRequestError('The path is not valid percent-encoded UTF-8.'));
    },
    // Nothing that is asked for here is worth waiting for.
    forceCloseConnections: true,
  });
  const methods = new AllowedMethods(instance);
  instance.addHook('onRequest', (request, reply, done) => {
    receive(request, reply);
    done();
  });
  instance.setNotFoundHandler((request, reply) => {
    const allowed = methods.at(pathOf(request.url));
    sendProblem(
      request,
      reply,
      allowed.length > 0 ? new MethodNotAllowedError(request.method, allowed) : new NotFoundError(),
    );
  });
  instance.setErrorHandler((error, request, reply) =>
    sendProblem(request, reply, toProblem(error, BODY_LIMIT)),
  );
  instance.get('/metrics', answer);
  return instance;
}
