import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { FastifyInstance } from 'fastify';

/** An answer that openapi.json does not describe, said in words. */
const violations: string[] = [];

interface Reference {
  readonly $ref: string;
}
/** As much of JSON Schema as the document uses. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly example?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of an array. */
  readonly items?: Schema;
  readonly properties?: Record<string, Schema>;
  readonly required?: readonly string[];
}
interface Media {
  readonly schema: Schema | Reference;
}
interface Header {
  readonly required?: boolean;
  readonly schema: object;
}
interface DocumentedResponse {
  readonly content?: Record<string, Media>;
  readonly headers?: Record<string, Header | Reference>;
}
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
}
export interface Operation {
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, DocumentedResponse | Reference>;
}

/** openapi.json: path → method in lower case → operation. */
export const document = JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, object>>;
};
const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false });
(formats as unknown as (ajv: Ajv) => void)(ajv);
ajv.addFormat('password', true);
ajv.addSchema({ $id: 'openapi', components: document.components });

/** The thing itself where the document only names one of its components. */
export function resolved<T extends object>(thing: T | Reference): T {
  if (!('$ref' in thing)) return thing;
  const [, , kind, name] = thing.$ref.split('/') as [string, string, string, string];
  return document.components[kind]![name] as T;
}

const validators = new Map<object, ValidateFunction>();
export function validatorFor(schema: object): ValidateFunction {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object);
    validators.set(schema, validator);
  }
  return validator;
}

interface Answer {
  readonly method: string;
  /** As Fastify or the document has it: `/v1/watchlists/items/:item_id`, `/v1/watchlists/items/{item_id}`. */
  readonly route: string;
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly payload: unknown;
}

/** What is wrong with an answer; undefined when it is as documented (or its route is none of the document's). */
export function violationOf({ method, route, status, headers, payload }: Answer): string | undefined {
  const path = document.paths[route.replace(/:(\w+)/g, '{$1}')];
  if (path === undefined) return undefined;
  const what = `${method} ${route} ${status}`;
  const documented = path[(method === 'HEAD' ? 'GET' : method).toLowerCase()]?.responses[status];
  if (documented === undefined) return `${what} is not documented`;
  const response = resolved(documented);
  for (const [name, header] of Object.entries(response.headers ?? {})) {
    const { required, schema } = resolved(header);
    const value = headers[name.toLowerCase()];
    if (
      value === undefined
        ? required
        : !validatorFor(schema)(
            typeof value === 'string' && /^\d+$/.test(value) && 'minimum' in schema ? Number(value) : value,
          )
    ) {
      return `${what} has the header ${name}: ${String(value)}`;
    }
  }
  if (method === 'HEAD') return undefined;
  const type = String(headers['content-type'] ?? '').split(';')[0]!;
  const media = response.content?.[type];
  if (media === undefined)
    return type === '' && response.content === undefined ? undefined : `${what} has the media type "${type}"`;
  const validate = validatorFor(media.schema);
  return validate(JSON.parse(String(payload)))
    ? undefined
    : `${what}: ${ajv.errorsText(validate.errors)} in ${String(payload)}`;
}

/** Every answer that the server gives from now on must be one that the document describes. */
export function watchResponses(instance: FastifyInstance): void {
  instance.addHook('onSend', (request, reply, payload, done) => {
    const violation = request.is404
      ? undefined
      : violationOf({
          method: request.method,
          route: request.routeOptions.url ?? '',
          status: reply.statusCode,
          headers: reply.getHeaders(),
          payload,
        });
    if (violation !== undefined) violations.push(violation);
    done(null, payload);
  });
}

if (typeof afterEach === 'function') {
  afterEach(() => {
    expect(violations.splice(0)).toEqual([]);
  });
}
