import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { BadRequestError, BodyTooLargeError } from '../../errors/common.errors.js';
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

export interface SideServerOptions {
  readonly bodyLimit: number;
  /** For the whole request; its headers may take no longer than `headersTimeout`. Both in milliseconds. */
  readonly requestTimeout: number;
  readonly headersTimeout: number;
  readonly trustProxy?: readonly string[];
  /** What becomes of connections when it is closed. */
  readonly forceCloseConnections: boolean | 'idle';
  readonly contentSecurityPolicy?: string;
}

/**
 * A small server beside the API, without Nest: whatever it is sent, it answers as the API does, with a problem document,
 * a request id and the security headers.
 */
export function createSideServer({
  headersTimeout,
  trustProxy = [],
  contentSecurityPolicy = SECURITY_HEADERS['content-security-policy'],
  ...options
}: SideServerOptions): FastifyInstance {
  const { bodyLimit } = options;
  const logger = new Logger('Problem');
  const receive = ({ id }: FastifyRequest, reply: FastifyReply) =>
    reply.headers({
      ...SECURITY_HEADERS,
      'content-security-policy': contentSecurityPolicy,
      'x-request-id': id,
    });
  const instance = fastify({
    ...options,
    requestIdHeader: false,
    genReqId: requestIdOf,
    rewriteUrl: ({ url = '/' }) => originForm(url),
    trustProxy: trustProxy.length > 0 ? [...trustProxy] : false,
    http: {
      headersTimeout,
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
    if (request.is404) done();
    else if (!hasHost(request.raw)) {
      done(new BadRequestError('The request must have exactly one Host header.'));
    } else {
      // Before somebody begins to hand it on.
      const isTooLarge = Number(request.headers['content-length'] ?? 0) > bodyLimit;
      done(isTooLarge ? new BodyTooLargeError(bodyLimit) : undefined);
    }
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
