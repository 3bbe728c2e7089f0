import { Logger } from '@nestjs/common';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { BadRequestError } from '../../errors/common.errors.js';
import { logProblem, sendProblem } from '../../errors/problem.filter.js';
import { toProblem } from '../../errors/to-problem.js';
import { IDLE_TIMEOUT_MS } from '../request-limits.js';
import { SECURITY_HEADERS } from '../security-headers.js';
import { drainRequestBody, hasHost, Wire, writeProblem } from './wire.js';

export interface AuxiliaryServerOptions {
  readonly bodyLimit: number;
  /** Limits the whole request, in milliseconds. */
  readonly requestTimeout: number;
}

/**
 * Creates a small server beside the API, without Nest. It answers every request as the API does: with a problem
 * document, a request id and the security headers.
 */
export function createAuxiliaryServer({
  bodyLimit,
  requestTimeout,
}: AuxiliaryServerOptions): FastifyInstance {
  const logger = new Logger('Problem');
  const setHeaders = ({ id }: FastifyRequest, reply: FastifyReply) =>
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': id });
  const wire = new Wire({
    onUndecodablePath: (request, reply) => {
      setHeaders(request, reply);
      return new BadRequestError('The path is not valid percent-encoded UTF-8.');
    },
    onUnreadable: (socket, problem) => writeProblem(socket, problem),
  });
  const instance = fastify({
    ...wire.options,
    http: { ...wire.options.http, headersTimeout: requestTimeout },
    bodyLimit,
    requestTimeout,
    connectionTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  wire.attach(instance.server);
  instance.addHook('onRoute', wire.addRoute);
  instance.addHook('onRequest', (request, reply, done) => {
    setHeaders(request, reply);
    const isValid = request.is404 || hasHost(request.raw);
    done(isValid ? undefined : new BadRequestError('The request must have exactly one Host header.'));
  });
  instance.addHook('onSend', drainRequestBody);
  instance.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, wire.problemWithoutRoute(request.method, request.url)),
  );
  instance.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, bodyLimit);
    logProblem(logger, request, problem);
    sendProblem(request, reply, problem);
  });
  return instance;
}
