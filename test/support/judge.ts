import createRouter from 'find-my-way';
import { document, resolved, validatorFor, violationOf } from './conforms-to-document.js';
import { COMMON_HEADERS, UNWANTED_HEADERS } from './expected.js';
import { type DescribedOperation, type HostileRequest, mayCall, OPERATIONS } from './hostile-requests.js';
import type { RawAnswer } from './raw-http.js';

/** Where a request goes. */
export type Destination =
  | { readonly kind: 'operation'; readonly operation: DescribedOperation; readonly ids: readonly string[] }
  /** A path of the document, asked in a way that it does not have. */
  | { readonly kind: 'wrong method' }
  /** The pages, of the documentation and others, which are the same for everybody. */
  | { readonly kind: 'documentation' }
  | { readonly kind: 'nowhere' };

const router = createRouter({ ignoreTrailingSlash: true, maxParamLength: 16_384 });
for (const path of Object.keys(document.paths))
  router.on('GET', path.replaceAll(/\{(\w+)\}/g, ':$1'), () => undefined, path);
for (const path of ['/', '/docs', '/docs/*', '/openapi.json', '/favicon.ico', '/dashboard', '/dashboard/*'])
  router.on('GET', path, () => undefined);

/** As the document has it, found with the server's own router: how that reads a path is not what is in question. */
export function destinationOf({ method, target }: HostileRequest): Destination {
  const match = router.find('GET', target.replace(/^https?:\/\/[^/?#]*(\/?)/, '/'));
  if (match === null) return { kind: 'nowhere' };
  if (match.store === null) return { kind: 'documentation' };
  const asked = method === 'HEAD' ? 'GET' : method;
  const operation = OPERATIONS.find((each) => each.path === match.store && each.method === asked);
  if (operation === undefined) return { kind: 'wrong method' };
  return { kind: 'operation', operation, ids: Object.values(match.params) as string[] };
}

/**
 * What is wrong with this answer to that request, by all that the contract and the document say; nothing: undefined.
 * Without `expect`, which takes longer over ten thousand answers than the server does.
 *
 * @param secrets must not come back
 */
export function faultsOf(
  request: HostileRequest,
  answer: RawAnswer,
  secrets: readonly string[],
): string | undefined {
  const destination = destinationOf(request);
  const faults = [
    ...wrongForm(request, answer),
    ...wrongPlace(destination, request, answer),
    ...(destination.kind === 'documentation' ? [] : leaks(answer, secrets)),
  ];
  if (destination.kind === 'operation') {
    if (answer.status < 400) faults.push(...undeserved(destination.operation, destination.ids, request));
    else if (request.intent === 'valid') faults.push(...unexcused(destination.operation, answer));
  }
  if (faults.length === 0) return undefined;
  const { status, headers, text } = answer;
  return `${faults.join('\n')}\nAnswer: ${status} ${JSON.stringify(headers)} ${text.slice(0, 2000)}`;
}

/** The fault, unless what must be is. */
const unless = (isRight: boolean, fault: string) => (isRight ? [] : [fault]);
const matches = (value: unknown, pattern: RegExp) => typeof value === 'string' && pattern.test(value);

/** What must be true of every answer, whatever was asked. */
function wrongForm({ method, headers: sent }: HostileRequest, answer: RawAnswer): string[] {
  const { status, headers, text } = answer;
  const [given, ...more] = sent.filter(([name]) => name === 'x-request-id').map(([, value]) => value);
  // What could not be read, and is answered on a connection that ends, has no id that could have been read.
  const isKept = more.length === 0 && matches(given, /^[\w.-]{1,128}$/) && headers['connection'] !== 'close';
  return [
    ...unless(status < 500, 'is an error of the server'),
    ...unless(status !== 408, 'waits for more than there is'),
    ...Object.entries(COMMON_HEADERS).flatMap(([name, pattern]) =>
      unless(matches(headers[name], pattern), `has the header ${name}: ${headers[name]}`),
    ),
    ...UNWANTED_HEADERS.flatMap((name) => unless(!(name in headers), `has the header ${name}`)),
    ...unless(!isKept || headers['x-request-id'] === given, 'has another request id'),
    ...unless(status !== 401 || matches(headers['www-authenticate'], /^Bearer /), 'has no challenge'),
    ...unless(status !== 405 || matches(headers['allow'], /^[A-Z]+(, [A-Z]+)*$/), 'allows no method'),
    ...unless(status !== 429 || matches(headers['retry-after'], /^[1-9]\d*$/), 'does not say when to retry'),
    ...unless(!(status === 204 || status === 304) || text === '', 'has a body'),
    ...(status < 400 ? [] : wrongProblem(answer, method === 'HEAD')),
  ];
}

function wrongProblem({ status, headers, body }: RawAnswer, isHead: boolean): string[] {
  const type = headers['content-type'];
  if (type !== 'application/problem+json; charset=utf-8') return [`is of the type ${type}`];
  if (isHead) return [];
  const validate = validatorFor(document.components['schemas']!['Problem']!);
  if (!validate(body)) return [`is no problem document: ${JSON.stringify(validate.errors)}`];
  const problem = body as Record<'code' | 'type' | 'request_id' | 'instance', string> & { status: number };
  return [
    ...unless(problem.status === status, 'is of another status in its body'),
    ...unless(problem.request_id === headers['x-request-id'], 'is of another request id in its body'),
    ...unless(
      problem.type === `urn:watchlist:problem:${problem.code.toLowerCase().replaceAll('_', '-')}`,
      'is of another type than its code',
    ),
    ...unless('errors' in problem === (status === 422), 'has errors, or none, where it should be otherwise'),
    ...unless(problem.instance.startsWith('/'), 'is of no path'),
  ];
}

function wrongPlace(
  destination: Destination,
  { method, headers: sent }: HostileRequest,
  { status, headers, text }: RawAnswer,
): string[] {
  const isPreflight = method === 'OPTIONS' && sent.some(([name]) => name === 'access-control-request-method');
  if (isPreflight && status === 204) return [];
  const beforeRouting = [400, 414, 429, 431];
  switch (destination.kind) {
    case 'operation':
      return [
        violationOf({ method, route: destination.operation.path, status, headers, payload: text }) ?? [],
      ].flat();
    case 'wrong method':
      return unless([405, ...beforeRouting].includes(status), 'answers a method that there is not');
    case 'nowhere':
      return unless([404, ...beforeRouting].includes(status), 'answers at a path that there is not');
    case 'documentation':
      return [];
  }
}

/** Password hashes, places in the code, and the words of what is underneath. */
const INSIDES =
  /\$2[aby]\$|node_modules|\.[cm]?[jt]s:\d+|\\n +at |SQLITE_|QueryFailed|TypeError|SyntaxError|typeorm|postgres|ECONN/i;

const leaks = ({ text }: RawAnswer, secrets: readonly string[]): string[] => [
  ...unless(!secrets.some((secret) => text.includes(secret)), 'tells a secret'),
  ...unless(!INSIDES.test(text), `tells of our insides: ${INSIDES.exec(text)?.[0]}`),
];

/** What succeeds must have been asked by somebody who may, and as the document says. */
function undeserved(
  operation: DescribedOperation,
  ids: readonly string[],
  { credentials, target, body }: HostileRequest,
): string[] {
  const wrongCaller = unless(mayCall(operation).includes(credentials), `succeeds for ${credentials}`);
  // Health answers a probe whatever it appends to the address.
  if (operation.tags?.includes('health')) return wrongCaller;
  const names = namesIn(target);
  const known = new Set(
    (operation.parameters ?? []).flatMap((each) => (each.in === 'query' ? each.name : [])),
  );
  return [
    ...wrongCaller,
    ...ids.filter((id) => !/^[1-9]\d{0,9}$/.test(id)).map((id) => `succeeds for the id ${id}`),
    ...names.filter((name) => !known.has(name)).map((name) => `succeeds with the parameter ${name}`),
    ...unless(!target.includes('#'), 'succeeds with a fragment'),
    ...unless(new Set(names).size === names.length, 'succeeds with a parameter given twice'),
    ...(operation.requestBody ? structuralErrors(operation, body) : []),
  ];
}

function namesIn(target: string): string[] {
  const [, query = ''] = target.split(/\?(.*)/s);
  return query
    .split('&')
    .filter(Boolean)
    .map((pair) => decodeURIComponent(pair.split('=')[0]!.replaceAll('+', ' ')));
}

/** What no trimming or normalizing puts right. */
const STRUCTURE = ['required', 'additionalProperties', 'type', 'enum', 'minimum', 'maximum'];

function structuralErrors({ requestBody }: DescribedOperation, body: Buffer = Buffer.alloc(0)): string[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return ['succeeds with what is not JSON'];
  }
  const validate = validatorFor(resolved(requestBody!.content['application/json']!.schema));
  if (validate(value)) return [];
  return validate
    .errors!.filter(({ keyword }) => STRUCTURE.includes(keyword))
    .map(({ instancePath, message }) => `succeeds though ${instancePath} ${message}`);
}

/** What the document allows may be refused only for what a document cannot know. */
function unexcused({ path, method }: DescribedOperation, { status }: RawAnswer): string[] {
  const excuses = [429];
  if (path.includes('{') || path === '/v1/admin/watchlists/items') excuses.push(404);
  if (path.includes('/items/{item_id}') && method !== 'GET') excuses.push(412);
  if (['login', 'refresh', 'password', 'password/reset', 'me'].some((name) => path === `/v1/auth/${name}`))
    excuses.push(401);
  if (
    ['/v1/auth/register', '/v1/auth/tokens', '/v1/auth/me'].includes(path) ||
    (path === '/v1/admin/users' && method === 'POST')
  )
    excuses.push(409);
  // Of the places that a move can name, a request may have several, or an item that is gone.
  if (path.endsWith('/move')) excuses.push(422);
  // Another item has one of the ids.
  if (path.includes('/watchlists/items') && ['POST', 'PATCH'].includes(method)) excuses.push(409);
  if (path.startsWith('/v1/admin/users/') && method === 'PATCH') excuses.push(409);
  return unless(excuses.includes(status), 'refuses what the document allows');
}
