import { applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { ProblemError } from '../errors/problem.error.js';
import { exampleOf } from './problem-responses.js';

/** Followed by the problem's code; taken out again when the document is built. */
export const PROBLEM_EXTENSION = 'x-problem-';

/**
 * The problems that this route (or this controller's routes) can answer with; those that every route can are added
 * when the document is built. An error of a status that many routes give takes their place.
 */
export const ApiProblems = (...errors: readonly ProblemError[]) =>
  applyDecorators(
    ...errors.map((error) => ApiExtension(`${PROBLEM_EXTENSION}${error.code}`, exampleOf(error))),
  );
