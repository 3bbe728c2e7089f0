import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { ProblemDocument, ProblemError } from '../errors/problem.error.js';
import { PROBLEM_EXTENSION } from './api-problems.decorator.js';
import { exampleFor, type Schemas } from './examples.js';
import {
  commonProblem,
  missingScopeProblem,
  type NamedResponse,
  ownProblem,
  PROBLEM_SCHEMAS,
  unauthorizedProblem,
} from './problem-responses.js';
import { RESPONSE_HEADERS, responseHeaders } from './response-headers.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Response = Exclude<NonNullable<Operation['responses'][string]>, { $ref: string }>;

/** Extensions that decorators add to routes. `takeMarks` removes them. */
export const PUBLIC_EXTENSION = 'x-public';
export const CACHED_EXTENSION = 'x-cached';
export const ETAG_EXTENSION = 'x-etag';
export const SCOPE_EXTENSION = 'x-scope';

const METHODS = ['get', 'post', 'patch', 'delete'] as const;

const DESCRIPTION = `
A list of the movies and shows you want to see.

**Sign in:** *Register*, then *Login*, press **Authorize** and paste the \`access_token\`.

**Errors** are RFC 9457 problem documents (\`application/problem+json\`) with a stable \`code\`; \`errors\` names each invalid field of a 422.

**Rate limits:** every response names the policy that it was counted under (\`RateLimit-Policy\`, \`RateLimit\`, \`X-RateLimit-*\`); a 429 says when to try again (\`Retry-After\`).
`;

/** The description of responses that routes do not describe. */
const SUCCESS: Record<string, string> = { 200: 'Done.', 201: 'Created.', 204: 'Done. There is no body.' };

/** The errors of routes that need a token. */
export interface TokenProblems {
  /** For a request without a valid token. */
  readonly unauthorized: ProblemError;
  /** For a personal token without this scope. Undefined: no scope allows this route. */
  readonly missingScope: (scope: string | undefined) => ProblemError;
}

/** Builds the document from the controllers, and adds the properties that every route has. */
export function createOpenApiDocument(
  app: INestApplication,
  { unauthorized, missingScope }: TokenProblems,
): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Watchlist API')
    .setDescription(DESCRIPTION.trim())
    .setVersion('1.0.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'This server, local or in production', undefined, { 'x-internal': false })
    .addTag('auth', 'Accounts, sessions and tokens')
    .addTag('watchlists', 'Your own list')
    .addTag('admin', 'For users with the role `admin`')
    .addTag('external', 'APIs of other services')
    .addTag('health', 'Health checks')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description:
          'A JSON Web Token from *Login*, signed with HS256 and validated as RFC8725 requires: algorithm, issuer, audience and expiry. ' +
          'Each request reads your permissions from the database, not from the token. ' +
          'Scripts can use a personal token (`wl_…`), which allows only the scopes that it was created with.',
      },
      'bearer',
    )
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  // A name without an address, because the operator of a server is not known here.
  document.info.contact = { name: 'The Watchlist API authors' };
  const schemas = { ...document.components!.schemas, ...PROBLEM_SCHEMAS };
  for (const schema of Object.values(schemas)) closeObject(schema as Record<string, unknown>);
  const problems: Record<string, Response> = {};
  Object.assign(document.components!, { schemas, responses: problems, headers: RESPONSE_HEADERS });
  for (const item of Object.values(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      const marks = takeMarks(operation);
      // Both mean that no token is needed. OWASP's rule for reads requires `{}`. Writes without a token are exceptions
      // in .spectral.yaml.
      if (marks.access === 'public') operation.security = method === 'get' ? [{}] : [];
      if (marks.access === 'optional') operation.security = [{ bearer: [] }, {}];
      if (marks.access !== 'public') {
        const { scope } = marks;
        operation.description += scope
          ? ` Personal tokens need the scope \`${scope}\`.`
          : ' Personal tokens cannot use this route.';
      }
      const answers = { cached: marks.isCached, hasETag: marks.hasETag, isRead: method === 'get' };
      describeBodies(operation, answers, schemas);
      // The server ignores the body of a GET.
      const readsBody = method !== 'get';
      for (const problem of problemsOf(operation, readsBody, marks.problems, unauthorized)) {
        addProblem(operation, problems, problem);
      }
      // A route's own 403 replaces it.
      if (marks.access !== 'public' && operation.responses['403'] === undefined) {
        addProblem(operation, problems, missingScopeProblem(missingScope(marks.scope), marks.scope));
      }
    }
  }
  return document;
}

/** Clients can rely on it: responses have no other fields, and the server rejects other fields in a body. */
function closeObject(schema: Record<string, unknown>): void {
  if (schema['type'] === 'object') schema['additionalProperties'] ??= false;
}

interface Marks {
  readonly access: unknown;
  readonly isCached: boolean;
  readonly hasETag: boolean;
  readonly scope: string | undefined;
  readonly problems: readonly ProblemDocument[];
}

/** Reads the extensions of our decorators and removes them, because they mean nothing to clients. */
function takeMarks(operation: Operation): Marks {
  const marks: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(operation)) {
    if (!name.startsWith('x-')) continue;
    marks[name] = value;
    delete (operation as unknown as Record<string, unknown>)[name];
  }
  return {
    access: marks[PUBLIC_EXTENSION],
    isCached: marks[CACHED_EXTENSION] === true,
    hasETag: marks[ETAG_EXTENSION] === true,
    scope: marks[SCOPE_EXTENSION] as string | undefined,
    problems: Object.entries(marks)
      .filter(([name]) => name.startsWith(PROBLEM_EXTENSION))
      .map(([, problem]) => problem as ProblemDocument),
  };
}

function describeBodies(
  { requestBody, responses }: Operation,
  { cached, hasETag, isRead }: { cached: boolean; hasETag: boolean; isRead: boolean },
  schemas: Schemas,
): void {
  const addExamples = ({ content = {} }: Pick<Response, 'content'>) => {
    for (const media of Object.values(content)) media.example ??= exampleFor(media.schema!, schemas);
  };
  if (requestBody) {
    const body = requestBody as Response;
    body.description = 'A JSON object. The server rejects fields that are not listed.';
    addExamples(body);
  }
  if (isRead && (cached || hasETag)) {
    responses['304'] = { description: 'Not modified since `If-None-Match`.' };
  }
  for (const [status, declared] of Object.entries(responses)) {
    const response = declared as Response;
    response.description ||= SUCCESS[status]!;
    response.headers = { ...responseHeaders(Number(status), { cached, hasETag }), ...response.headers };
    addExamples(response);
  }
}

/** The route's own problems and the common ones. */
function problemsOf(
  operation: Operation,
  readsBody: boolean,
  own: readonly ProblemDocument[],
  unauthorized: ProblemError,
): NamedResponse[] {
  const statuses = new Set([400, 401, 408, 414, 429, 431, 500, 503, ...own.map(({ status }) => status)]);
  if (!operation.tags?.includes('health')) statuses.add(422);
  if (readsBody) for (const status of [413, 415]) statuses.add(status);
  return [...statuses].sort().map((status) => {
    const ofStatus = own.filter((problem) => problem.status === status);
    if (ofStatus.length > 0) return ownProblem(ofStatus);
    return status === 401 ? unauthorizedProblem(unauthorized) : commonProblem(status);
  });
}

function addProblem(
  { responses }: Operation,
  problems: Record<string, Response>,
  { status, name, response }: NamedResponse,
): void {
  const declared = responses[status] as Response | undefined;
  if (declared === undefined) {
    problems[name] = response;
    responses[status] = { $ref: `#/components/responses/${name}` };
  } else {
    // The health routes have their own 503. During shutdown it is a problem document.
    declared.content = { ...declared.content, ...response.content };
  }
}
