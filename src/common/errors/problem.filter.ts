import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { type HttpReply, type HttpRequest, replyOf, requestOf } from '../http/request.js';
import { pathOf } from '../http/path.js';
import type { ProblemError } from './problem.error.js';
import { toProblem } from './to-problem.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** The only place where an error of a route becomes a response. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  catch(error: unknown, host: ArgumentsHost): void {
    const request = requestOf(host);
    const problem = toProblem(error, request.routeOptions.bodyLimit);
    logProblem(this.logger, request, problem);
    sendProblem(request, replyOf(host), problem);
  }
}

/** Logs failures of the server and of its dependencies, with the request id that the client received. */
export function logProblem(logger: Logger, { id }: Pick<HttpRequest, 'id'>, problem: ProblemError): void {
  if (problem.status < 500) return;
  logger[problem.status === 500 ? 'error' : 'warn']({
    msg: 'request failed',
    code: problem.code,
    request_id: id,
    err: problem.cause instanceof Error ? problem.cause : problem,
  });
}

/**
 * Keeps the connection open unless `shouldKeepAlive` is false.
 * Fastify itself would close it when it rejects a body (wire/drain-request-body.ts).
 */
export function sendProblem(request: HttpRequest, reply: HttpReply, problem: ProblemError): void {
  reply.removeHeader('connection');
  if (!reply.raw.shouldKeepAlive) reply.header('connection', 'close');
  void reply
    .code(problem.status)
    .headers(problem.headers)
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problem.toDocument(request.id, pathOf(request.url))));
}
