import type { FastifyInstance } from 'fastify';
import { MalformedJsonError } from '../errors/common.errors.js';

const MAXIMUM_DEPTH = 8;
const MAXIMUM_MEMBERS = 500;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * One pass over the bytes before `JSON.parse` sees them: what nests too deep overflows the stack of the
 * validators behind us, and what has too many members costs them seconds.
 */
function refuseExcess(body: Buffer): void {
  let depth = 0;
  let members = 0;
  let inString = false;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index];
    if (inString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      members++;
      if (++depth > MAXIMUM_DEPTH)
        throw new MalformedJsonError(`The body nests deeper than ${MAXIMUM_DEPTH} levels.`);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    } else if (byte === COMMA) {
      members++;
    }
    if (members > MAXIMUM_MEMBERS)
      throw new MalformedJsonError(`The body has more than ${MAXIMUM_MEMBERS} members.`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (key === '__proto__') throw new MalformedJsonError('The body has a member named __proto__.');
      return value;
    });
  } catch (error) {
    throw error instanceof MalformedJsonError ? error : new MalformedJsonError('The body is not valid JSON.');
  }
}

/**
 * A JSON object from raw bytes; no bytes count as `{}`, so that what is missing is named field by field.
 *
 * @throws MalformedJsonError for everything else
 */
export function parseJsonObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  refuseExcess(body);
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw new MalformedJsonError('The body is not valid UTF-8.');
  }
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedJsonError('The body must be a JSON object.');
  }
  return value as Record<string, unknown>;
}

/** JSON is the only body that is read; every other media type is a 415. */
export function useStrictJsonBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonObject(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}
