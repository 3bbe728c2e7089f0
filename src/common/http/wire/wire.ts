/**
 * README: you need not read this folder to work on the API. It handles requests that Node or Fastify would answer
 * themselves, without a problem document: broken HTTP, unknown methods, CONNECT, bodies that arrive after the response.
 *
 * | file                  | what it does                                                     |
 * | --------------------- | ---------------------------------------------------------------- |
 * | wire.ts               | the door: what the API and the auxiliary server use of this folder |
 * | client-error.ts       | writes a problem document to a socket that has no request         |
 * | drain-request-body.ts | reads the rest of a body, so that the client receives an early response |
 * | allowed-methods.ts    | tells a 405 from a 404                                            |
 * | auxiliary-server.ts   | a small server beside the API (`/metrics` on its own port) |
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { ProblemError } from '../../errors/problem.error.js';
import { sendProblem } from '../../errors/problem.filter.js';
import { originForm } from '../path.js';
import { requestIdOf } from '../request-context.js';
import { MAXIMUM_HEAD_SIZE } from '../request-limits.js';
import { AllowedMethods } from './allowed-methods.js';
import {
  answerConnectAndExpect,
  type ClientError,
  clientErrorProblem,
  closeIdleConnection,
} from './client-error.js';
import { afterPendingResponses, drainEarlyResponse } from './drain-request-body.js';

export { hasHost, writeProblem } from './client-error.js';
export { drainRequestBody } from './drain-request-body.js';

interface WireHandlers {
  /** Fastify's router rejects a path that it cannot decode before any hook runs. Returns the error to send. */
  onUndecodablePath(request: FastifyRequest, reply: FastifyReply): ProblemError;
  /** `hasData`: the client sent bytes that are not a valid request; otherwise it sent none in time. */
  onUnreadable(socket: Socket, problem: ProblemError, hasData: boolean): void;
}

/** The Fastify options and listeners that make every response a problem document, also to broken requests. */
export class Wire {
  private readonly methods = new AllowedMethods();

  constructor(private readonly handlers: WireHandlers) {}

  readonly options = {
    requestIdHeader: false as const,
    genReqId: requestIdOf,
    rewriteUrl: ({ url = '/' }: { url?: string }) => originForm(url),
    http: {
      connectionsCheckingInterval: 1000,
      maxHeaderSize: MAXIMUM_HEAD_SIZE,
      // Node would respond without a problem document. `hasHost` checks it instead.
      requireHostHeader: false,
    },
    // Fastify would respond without a problem document. shutdown.ts does it instead.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true },
    // Fastify's types also allow HTTP/2 here.
    frameworkErrors: (_error: Error, http2Request: object, http2Reply: object) => {
      const request = http2Request as FastifyRequest;
      const reply = http2Reply as FastifyReply;
      const problem = this.handlers.onUndecodablePath(request, reply);
      drainEarlyResponse(request.raw, reply.raw);
      sendProblem(request, reply, problem);
    },
    clientErrorHandler: (error: Error, socket: Socket) => this.onClientError(error, socket),
  };

  /** An onRoute hook. */
  readonly addRoute = (route: RouteOptions): void => this.methods.add(route);

  attach(server: Server): void {
    server.on('timeout', closeIdleConnection);
    answerConnectAndExpect(server, (socket, target) =>
      this.handlers.onUnreadable(socket, this.problemWithoutRoute('CONNECT', target), true),
    );
  }

  private onClientError(error: ClientError, socket: Socket): void {
    afterPendingResponses(error, socket, () => {
      const problem = clientErrorProblem(error, (method, target) => this.problemWithoutRoute(method, target));
      this.handlers.onUnreadable(socket, problem, error.rawPacket !== undefined);
    });
  }

  /** The 404 or 405 for a request that matches no route. */
  problemWithoutRoute(method: string, target: string): ProblemError {
    return this.methods.problemFor(method, target);
  }
}
