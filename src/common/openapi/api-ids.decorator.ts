import { applyDecorators } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import type { ProblemError } from '../errors/problem.error.js';
import { MAXIMUM_ID } from '../validation/fields.js';
import { ApiProblems } from './api-problems.decorator.js';

/** Documents an id in the path, and the error for an unknown id. */
export const ApiIdParam = (name: string, notFound: ProblemError) =>
  applyDecorators(
    ApiParam({
      name,
      required: true,
      schema: { type: 'integer', format: 'int32', minimum: 1, maximum: MAXIMUM_ID, example: 1 },
    }),
    ApiProblems(notFound),
  );
