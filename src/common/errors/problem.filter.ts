import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Logger } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import { type HttpReply, type HttpRequest, replyOf, requestOf } from '../http/request.js';
import { pathOf } from '../http/path.js';
import type { ProblemError } from './problem.error.js';
import { toProblem } from './to-problem.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** The one place where an error becomes an answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  constructor(@Inject(ENV) private readonly env: Env) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = requestOf(host);
    const problem = toProblem(error, this.env.BODY_LIMIT);
    logProblem(this.logger, request, problem);
    sendProblem(request, replyOf(host), problem);
  }
}

/** What is our own fault or that of somebody we depend on: where the request id finds it. */
export function logProblem(logger: Logger, { id }: Pick<HttpRequest, 'id'>, problem: ProblemError): void {
  if (problem.status < 500) return;
  logger[problem.status === 500 ? 'error' : 'warn']({
    msg: 'request failed',
    code: problem.code,
    request_id: id,
    err: problem.cause instanceof Error ? problem.cause : problem,
  });
}

/** On a connection that goes on: Fastify would close it on a body that it refuses (drain-request-body.ts). */
export function sendProblem(request: HttpRequest, reply: HttpReply, problem: ProblemError): void {
  void reply
    .code(problem.status)
    .removeHeader('connection')
    .headers(problem.headers)
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problem.toDocument(request.id, pathOf(request.url))));
}
