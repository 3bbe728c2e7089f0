import { HttpException } from '@nestjs/common';
import {
  BadRequestError,
  BodyTooLargeError,
  InternalError,
  NotFoundError,
  UnsupportedMediaTypeError,
} from './common.errors.js';
import { ProblemError } from './problem.error.js';

/** The status of an error of Fastify or Nest. Nest wraps Fastify's errors and keeps the status. */
function statusOf(error: unknown): number | undefined {
  return error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number }).statusCode;
}

/** Turns any thrown value into the problem that the client can see. */
export function toProblem(error: unknown, bodyLimit: number): ProblemError {
  if (error instanceof ProblemError) return error;
  switch (statusOf(error)) {
    case 400:
      return new BadRequestError('The request could not be read.', error);
    case 404:
      return new NotFoundError();
    case 413:
      return new BodyTooLargeError(bodyLimit);
    case 415:
      return new UnsupportedMediaTypeError();
    default:
      return new InternalError(error);
  }
}
