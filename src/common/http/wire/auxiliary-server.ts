import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { BadRequestError } from '../../errors/common.errors.js';
import { logProblem, sendProblem } from '../../errors/problem.filter.js';
import { toProblem } from '../../errors/to-problem.js';
import { AllowedMethods } from './allowed-methods.js';
import {
  answerConnectAndExpect,
  type BrokenRequest,
  brokenRequestProblem,
  hasHost,
  MAXIMUM_HEAD_SIZE,
  writeProblem,
} from './client-error.js';
import { afterAnswers, answerEarly, letAnswerEarly } from './drain-request-body.js';
import { originForm } from '../path.js';
import { requestIdOf } from '../request-id.js';
import { SECURITY_HEADERS } from '../security-headers.js';

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
  const receive = ({ id }: FastifyRequest, reply: FastifyReply) =>
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': id });
  const instance = fastify({
    bodyLimit,
    requestTimeout,
    forceCloseConnections: true,
    requestIdHeader: false,
    genReqId: requestIdOf,
    rewriteUrl: ({ url = '/' }) => originForm(url),
    http: {
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: MAXIMUM_HEAD_SIZE,
      // Node would answer these itself, with nothing.
      requireHostHeader: false,
    },
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true },
    // Before any hook runs.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      answerEarly(request.raw, reply.raw);
      receive(request, reply);
      sendProblem(request, reply, new BadRequestError('The path is not valid percent-encoded UTF-8.'));
    },
    clientErrorHandler: (error: Error, socket) => answerBroken(error, socket),
  });
  const methods = new AllowedMethods(instance);
  const unroutable = (method: string, target: string) => methods.unroutable(method, target);
  const answerBroken = (error: BrokenRequest, socket: Socket) => {
    afterAnswers(error, socket, () => writeProblem(socket, brokenRequestProblem(error, unroutable)));
  };
  answerConnectAndExpect(instance.server, (socket, target) =>
    writeProblem(socket, unroutable('CONNECT', target)),
  );
  letAnswerEarly(instance);
  instance.addHook('onRequest', (request, reply, done) => {
    receive(request, reply);
    const isServed = request.is404 || hasHost(request.raw);
    done(isServed ? undefined : new BadRequestError('The request must have exactly one Host header.'));
  });
  instance.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, unroutable(request.method, request.url)),
  );
  instance.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, bodyLimit);
    logProblem(logger, request, problem);
    sendProblem(request, reply, problem);
  });
  return instance;
}
