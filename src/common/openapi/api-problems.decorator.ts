import { applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { ProblemError } from '../errors/problem.error.js';
import { exampleOf } from './problem-responses.js';

/** The problem's code follows. `createOpenApiDocument` removes the extension. */
export const PROBLEM_EXTENSION = 'x-problem-';

/**
 * Documents the problems of a route or of a controller's routes. `createOpenApiDocument` adds the common problems.
 * A problem of the route replaces the common problem of the same status.
 */
export const ApiProblems = (...errors: readonly ProblemError[]) =>
  applyDecorators(
    ...errors.map((error) => ApiExtension(`${PROBLEM_EXTENSION}${error.code}`, exampleOf(error))),
  );
