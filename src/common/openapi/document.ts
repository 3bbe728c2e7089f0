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

/** Marks of our decorators, taken out again below. */
export const PUBLIC_EXTENSION = 'x-public';
export const CACHED_EXTENSION = 'x-cached';
export const ETAG_EXTENSION = 'x-etag';
export const SCOPE_EXTENSION = 'x-scope';

const METHODS = ['get', 'post', 'patch', 'delete'] as const;

const DESCRIPTION = `
A list of the movies and shows you want to see.

**Sign in:** *Register*, then *Login*, press **Authorize** and paste the \`access_token\`.

**Errors** are RFC 9457 problem documents (\`application/problem+json\`) with a stable \`code\`; \`errors\` names each failing field of a 422.

**Rate limits:** every answer says which policy it was counted under (\`RateLimit-Policy\`, \`RateLimit\`, \`X-RateLimit-*\`); a 429 says when to come back (\`Retry-After\`).
`;

/** For answers that their routes do not describe. */
const SUCCESS: Record<string, string> = { 200: 'Done.', 201: 'Created.', 204: 'Done; there is no body.' };

/** What routes that need a token answer. */
export interface TokenProblems {
  /** Without a valid one. */
  readonly unauthorized: ProblemError;
  /** To a personal token without this scope; undefined: there is none for this route. */
  readonly missingScope: (scope: string | undefined) => ProblemError;
}

/** The whole document: what the controllers declare, and what is true of every route, added here once. */
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
    .addTag('external', "Somebody else's API, kept at arm's length")
    .addTag('health', 'For probes and people')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description:
          'A JSON Web Token from *Login*, signed with HS256 and checked as RFC8725 asks: one algorithm, issuer, audience and expiry. ' +
          'What you may do is read from the database at each request, not from the token. ' +
          'Or a personal token (`wl_…`) for scripts, which is good for the scopes that it was made with.',
      },
      'bearer',
    )
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  // Whoever runs a server of this is not known here: a name, and no address that nobody reads.
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
      // Both mean that no token is needed. OWASP's rule about reading wants it said explicitly; what may be written
      // without one is an exception, named in .spectral.yaml.
      if (marks.access === 'public') operation.security = method === 'get' ? [{}] : [];
      if (marks.access === 'optional') operation.security = [{ bearer: [] }, {}];
      if (marks.access !== 'public') {
        const { scope } = marks;
        operation.description += scope
          ? ` Personal tokens need the scope \`${scope}\`.`
          : ' Not for personal tokens.';
      }
      const answers = { cached: marks.isCached, hasETag: marks.hasETag, isRead: method === 'get' };
      describeBodies(operation, answers, schemas);
      // A GET's body is not looked at.
      const readsBody = method !== 'get';
      for (const problem of problemsOf(operation, readsBody, marks.problems, unauthorized)) {
        addProblem(operation, problems, problem);
      }
      // Where something else is forbidden too, that is what is shown.
      if (marks.access !== 'public' && operation.responses['403'] === undefined) {
        addProblem(operation, problems, missingScopeProblem(missingScope(marks.scope), marks.scope));
      }
    }
  }
  return document;
}

/** Clients may rely on it: no answer has a field that is not here, and no body may have one. */
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

/** What our decorators have noted on a route; in the document itself it would mean nothing. */
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
    body.description = 'A JSON object; fields that are not listed are refused.';
    addExamples(body);
  }
  if (isRead && (cached || hasETag)) {
    responses['304'] = { description: 'Nothing has changed since `If-None-Match`.' };
  }
  for (const [status, declared] of Object.entries(responses)) {
    const response = declared as Response;
    response.description ||= SUCCESS[status]!;
    response.headers = { ...responseHeaders(Number(status), { cached, hasETag }), ...response.headers };
    addExamples(response);
  }
}

/** The route's own problems, and those that every route of its kind has. */
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
    // The health routes' 503 has a shape of its own; while shutting down it is a problem document like any other's.
    declared.content = { ...declared.content, ...response.content };
  }
}
