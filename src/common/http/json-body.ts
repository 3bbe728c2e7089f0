import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiConsumes } from '@nestjs/swagger';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { MalformedJsonError, UnsupportedMediaTypeError } from '../errors/common.errors.js';

const MAXIMUM_DEPTH = 8;
const JSON_TYPE = 'application/json';
/** The media types of a body that changes a record (RFC 7396). */
export const PATCH_TYPES = [JSON_TYPE, 'application/merge-patch+json'];
/** Every JSON media type that a route can accept. The server rejects all others before it parses a byte. */
const JSON_TYPES = PATCH_TYPES;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body limit of one route (instead of `BODY_LIMIT`), and the media types that it accepts. */
interface BodyOptions {
  readonly maximumBytes?: number;
  readonly types?: readonly string[];
}

/** Declares a route whose body can be larger than `BODY_LIMIT`, or has another media type than JSON. */
export const AcceptsBody = (body: BodyOptions) =>
  applyDecorators(RouteConfig({ body }), ApiConsumes(...(body.types ?? [JSON_TYPE])));

type Config = { readonly body?: BodyOptions } | undefined;

/** Runs before `JSON.parse`, because deep nesting overflows the stack of the validators. */
function rejectDeepNesting(body: Buffer): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index];
    if (inString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > MAXIMUM_DEPTH)
        throw new MalformedJsonError(`The body nests deeper than ${MAXIMUM_DEPTH} levels.`);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
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
 * Reads a JSON object. An empty body counts as `{}`, so that the response names each missing field.
 *
 * @throws MalformedJsonError if the body is not a JSON object
 */
export function parseJsonObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  rejectDeepNesting(body);
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

/** Accepts JSON, and the media types that a route declares with {@link AcceptsBody}. All others get a 415. */
export function useStrictBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser(JSON_TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    try {
      rejectOtherTypes(request);
      done(null, parseJsonObject(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** An onRoute hook: applies the limit that a route declares with {@link AcceptsBody}. */
export function applyBodyLimit(route: RouteOptions): void {
  const maximumBytes = (route.config as Config)?.body?.maximumBytes;
  if (maximumBytes !== undefined) route.bodyLimit = maximumBytes;
}

/** @throws UnsupportedMediaTypeError */
function rejectOtherTypes({ headers, routeOptions }: FastifyRequest): void {
  const accepted = (routeOptions.config as Config)?.body?.types ?? [JSON_TYPE];
  const type = headers['content-type']!.split(';')[0]!.trim().toLowerCase();
  if (!accepted.includes(type)) throw new UnsupportedMediaTypeError(accepted);
}
