import { ProblemError, UnexpectedAnswerError } from '@watchlist/client';

/** What would be done by a terminal, or read in another order, instead of being shown. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** What is in the way, in words for whoever runs this. */
export class Obstacle extends Error {
  /**
   * @param {string} message what a server says may be in it
   * @param {1 | 2} exitCode 1: can be put right, and run again; 2: refused
   */
  constructor(message, exitCode = 1) {
    super(message.replace(UNPRINTABLE, '\uFFFD'));
    this.exitCode = exitCode;
  }
}

/**
 * @param {unknown} error
 * @param {string} baseUrl whose server it is about
 * @returns undefined for a mistake of this program
 */
export function obstacleOf(error, baseUrl) {
  if (error instanceof Obstacle) return error;
  if (error instanceof ProblemError) return refusal(error, baseUrl);
  if (error instanceof UnexpectedAnswerError)
    return new Obstacle(`What answers is not the API: ${error.message}`);
  // Called JSON, it is none.
  if (error instanceof SyntaxError)
    return new Obstacle(`What answers at ${baseUrl} is not the API: ${error.message}`);
  const { name, cause } = /** @type {Error} */ (error);
  const isLate = name === 'TimeoutError';
  // What fetch() rejects with when a connection is not made, or breaks.
  const isCut = name === 'TypeError' && cause instanceof Error;
  if (!isLate && !isCut) return undefined;
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (isCut ? cause : error);
  return new Obstacle(
    `No answer from ${baseUrl} (${isLate ? 'for too long' : (code ?? message)}). Start the server (npm start), or set ` +
      'BASE_URL to where it is, and run this again: it goes on where it was.',
  );
}

/**
 * @param {unknown} errors as the problem document has them, whoever wrote it
 * @returns {import('@watchlist/client').FieldError[]}
 */
function fieldErrors(errors) {
  return Array.isArray(errors)
    ? errors.filter((error) => typeof error?.field === 'string' && typeof error.message === 'string')
    : [];
}

/**
 * @param {ProblemError} error
 * @param {string} baseUrl
 */
function refusal({ status, code, message, errors, retryAfter, requestId }, baseUrl) {
  // The only fields that are not this program's own.
  const settings = fieldErrors(errors).map(
    ({ field, message: rule }) => `DEMO_${field.toUpperCase()} ${rule}`,
  );
  if (settings.length > 0) return new Obstacle(`${settings.join('; ')}.`, 2);
  const again =
    retryAfter === undefined ? '' : ` Run this again in ${retryAfter} s: it goes on where it was.`;
  const request = typeof requestId === 'string' ? ` (request ${requestId})` : '';
  return new Obstacle(`${baseUrl} answers ${status} ${code}: ${message}${again}${request}`);
}
