import type { FastifyRequest } from 'fastify';

/** A file server has errors of its own for a part, or a version, that it cannot serve. */
const IGNORED_HEADERS = ['range', 'if-match', 'if-unmodified-since'];

/** Before a file server sees the request: it serves the whole file instead. */
export function askForWholeFile({ headers }: Pick<FastifyRequest, 'headers'>): void {
  for (const name of IGNORED_HEADERS) delete headers[name];
}
