import { gzipSync } from 'node:zlib';
import fc, { type Arbitrary } from 'fast-check';
import { document, type Operation, resolved, type Schema } from './conforms-to-document.js';
import {
  BODIES,
  BROKEN_TEXT,
  bytes,
  CONTENT_TYPES,
  FIELDS,
  type Header,
  HEADERS,
  HUGE_BODIES,
  METHODS,
  NO_IDS,
  QUERIES,
  QUERY_NAMES,
  QUERY_VALUES,
  SEGMENTS,
  TARGETS,
  TEXTS,
  VALUES,
} from './hostile-values.js';

/** Whose token goes with a request. `script`: the user's personal one, `forged`: none that is good, `unsure`: for the server to find out. */
export type Credentials = 'nobody' | 'user' | 'admin' | 'script' | 'forged' | 'unsure';

/** `valid`: as the document describes it. `broken`: so, but for one part. `hostile`: as it pleases. */
export type Intent = 'valid' | 'broken' | 'hostile';

/** One character is one byte, but for {@link USER} and {@link ADMIN}, in whose place the tokens are sent. */
export interface HostileRequest {
  readonly intent: Intent;
  readonly credentials: Credentials;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
  readonly body: Buffer | undefined;
  readonly isChunked: boolean;
}
type Part = 'credentials' | 'path' | 'query' | 'headers' | 'body';

/** Who is there when the requests are made up. */
export interface Cast {
  readonly user: { readonly email: string; readonly password: string };
  /** Nobody may change the users below: with them all the others' requests would be refused. */
  readonly firstFreeUserId: number;
}

const HASHING = /^\/v1\/(auth\/|admin\/users$)/;
const USER = '$USER_TOKEN';
const ADMIN = '$ADMIN_TOKEN';
const SCRIPT = '$SCRIPT_TOKEN';

/** In whose place they are sent. */
export interface Tokens {
  readonly user: string;
  readonly admin: string;
  /** A personal one, of the user, for everything that those can be for. */
  readonly script: string;
}

/** A request that can be sent, as the arbitrary that makes it up; fast-check shrinks what fails. */
export function hostileRequests(cast: Cast): Arbitrary<HostileRequest> {
  return fc.oneof(
    ...OPERATIONS.map((operation) => ({
      // Each of those that hash passwords takes as long as a hundred others.
      weight: operation.method === 'POST' && HASHING.test(operation.path) ? 1 : 4,
      arbitrary: fc.oneof(
        { weight: 3, arbitrary: requestTo(operation, cast, 'valid', () => false) },
        ...partsOf(operation).map((part) => ({
          weight: 1,
          arbitrary: requestTo(operation, cast, 'broken', (each) => each === part),
        })),
        { weight: 2, arbitrary: requestTo(operation, cast, 'hostile', () => true) },
      ),
    })),
  );
}

/** The bytes to send. */
export function bytesOf(request: HostileRequest, tokens: Tokens): Buffer {
  const [head, body] = halvesOf(request);
  return Buffer.concat([
    Buffer.from(
      head.replaceAll(USER, tokens.user).replaceAll(ADMIN, tokens.admin).replaceAll(SCRIPT, tokens.script),
      'latin1',
    ),
    body,
  ]);
}

/** A line for a shell, with the tokens left to fill in, that sends the same again. */
export function replayOf(request: HostileRequest): string {
  const [head, body] = halvesOf(request);
  const octal = (text: string) =>
    text.replace(/[^ -$&-[\]-~]|'/g, (character) =>
      character === '\r' || character === '\n'
        ? JSON.stringify(character).slice(1, -1)
        : `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
    );
  const written = octal(head + body.toString('latin1'))
    .replaceAll(USER, `'"${USER}"'`)
    .replaceAll(ADMIN, `'"${ADMIN}"'`);
  return `printf '${written}' | nc localhost 8000`;
}

function halvesOf({ method, target, headers, body, isChunked }: HostileRequest): [string, Buffer] {
  const framing: Header[] =
    body === undefined
      ? []
      : isChunked
        ? [['transfer-encoding', 'chunked']]
        : [['content-length', String(body.length)]];
  const lines = [...headers, ...framing].map(([name, value]) => `${name}: ${value}\r\n`);
  const framed = body !== undefined && isChunked ? inChunks(body) : (body ?? Buffer.alloc(0));
  return [`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, framed];
}

function inChunks(body: Buffer): Buffer {
  const size = Math.ceil(body.length / 3) || 1;
  const chunks: (string | Buffer)[] = [];
  for (let start = 0; start < body.length; start += size) {
    const chunk = body.subarray(start, start + size);
    chunks.push(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n');
  }
  return Buffer.concat([...chunks, '0\r\n\r\n'].map((part) => Buffer.from(part as string)));
}

// Made once: it takes fast-check longer than all that they are used for.
const wellFormedText = fc.string({ unit: 'grapheme', maxLength: 50 });
const titles = fc
  .oneof(
    { weight: 4, arbitrary: wellFormedText },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 254 }) },
  )
  .filter(
    (text) =>
      // Something to see.
      /(?!\p{Default_Ignorable_Code_Point}|\u2800)[\p{L}\p{N}\p{P}\p{S}]/u.test(text) &&
      // eslint-disable-next-line no-control-regex -- which titles must not have
      !/[\0-\x1f\x7f-\x9f]/.test(text) &&
      [text, text.normalize('NFC')].every((spelling) => [...spelling].length <= 254),
  );
const names = titles.filter((text) =>
  [text, text.normalize('NFC')].every((spelling) => [...spelling].length <= 100),
);
// A single word (fast-check is fond of `prototype` and `arguments`) may be a common one.
const passwords = wellFormedText.filter(
  (text) => [...text.normalize('NFC')].length >= 8 && /[^a-z]/i.test(text),
);
const anyText = fc.string({ unit: 'binary', maxLength: 300 });

export interface DescribedOperation extends Operation {
  readonly path: string;
  readonly method: string;
}

/** Every one of the document. */
export const OPERATIONS: readonly DescribedOperation[] = Object.entries(document.paths).flatMap(
  ([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      ...operation,
      path,
      method: method.toUpperCase(),
    })),
);

const parametersOf = ({ parameters = [] }: Operation, place: 'path' | 'query') =>
  parameters.filter((parameter) => parameter.in === place);

const bodySchemaOf = ({ requestBody }: Operation): Schema | undefined =>
  requestBody && resolved(requestBody.content['application/json']!.schema);

/** Those that can be broken. */
const partsOf = (operation: Operation): Part[] => [
  'credentials',
  'path',
  'query',
  'headers',
  ...(operation.requestBody ? (['body', 'body'] as const) : []),
];

/** @param isBroken which parts are to be other than the document says */
function requestTo(
  operation: DescribedOperation,
  cast: Cast,
  intent: Intent,
  isBroken: (part: Part) => boolean,
): Arbitrary<HostileRequest> {
  const pick = <T>(part: Part, valid: Arbitrary<T>, broken: Arbitrary<T>) =>
    intent === 'hostile'
      ? fc.oneof({ weight: 1, arbitrary: valid }, { weight: 1, arbitrary: broken })
      : isBroken(part)
        ? broken
        : valid;
  const path = validPath(operation, cast);
  const query = validQuery(operation);
  return fc
    .record({
      method:
        intent === 'hostile'
          ? fc.oneof({ weight: 3, arbitrary: fc.constant(operation.method) }, fc.constantFrom(...METHODS))
          : fc
              .integer({ min: 0, max: 7 })
              .map((n) => (n === 7 && operation.method === 'GET' ? 'HEAD' : operation.method)),
      authorization: pick(
        'credentials',
        validCredentials(operation),
        operation.path === SIGN_OUT ? forgedCredentials : brokenCredentials,
      ),
      path: pick('path', path, brokenPath(operation, path)),
      query: pick('query', query, brokenQuery(operation, query)),
      content: pick('body', validContent(operation, cast), brokenContent(operation, cast)),
      others: pick('headers', validHeaders, brokenHeaders),
      host: pick('headers', fc.constant<Header[]>([['host', 'localhost']]), brokenHost),
      isChunked: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    })
    .map(({ authorization, path: written, query: asked, content, others, host, ...rest }) => {
      const isUnsure = others.some(([name]) => name === 'authorization');
      const request: HostileRequest = {
        ...rest,
        intent,
        credentials: isUnsure ? 'unsure' : authorization.credentials,
        target: latin1(asked === '' ? written : `${written}?${asked}`),
        headers: [...host, ...authorization.headers, ...content.headers, ...others],
        body: content.body,
      };
      return Object.assign(request, { [fc.toStringMethod]: () => replayOf(request) });
    });
}

/** Raw bytes of UTF-8 where a text has more than bytes. */
const latin1 = (text: string) =>
  /^[\0-\xff]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');

// Who

interface Authorization {
  readonly credentials: Credentials;
  readonly headers: readonly Header[];
}
const NOBODY: Authorization = { credentials: 'nobody', headers: [] };
const AS_USER: Authorization = { credentials: 'user', headers: [['authorization', `Bearer ${USER}`]] };
const AS_ADMIN: Authorization = { credentials: 'admin', headers: [['authorization', `Bearer ${ADMIN}`]] };
const AS_SCRIPT: Authorization = {
  credentials: 'script',
  headers: [['authorization', `Bearer ${SCRIPT}`]],
};

const SIGN_OUT = '/v1/auth/logout';

/** Whose requests can succeed there. */
export function mayCall({ path, security, description }: DescribedOperation): readonly Credentials[] {
  if (security !== undefined) return ['nobody', 'user', 'admin', 'script', 'forged', 'unsure'];
  if (path.startsWith('/v1/admin/')) return ['admin', 'unsure'];
  return [
    'user',
    'admin',
    'unsure',
    ...(description?.includes('Personal tokens need') ? (['script'] as const) : []),
  ];
}

function validCredentials(operation: DescribedOperation): Arbitrary<Authorization> {
  // With who signs out all their later requests would be refused.
  if (operation.path === SIGN_OUT) return fc.constant(NOBODY);
  const allowed = mayCall(operation);
  return fc.constantFrom(
    ...[NOBODY, AS_USER, AS_ADMIN, AS_SCRIPT].filter(({ credentials }) => allowed.includes(credentials)),
  );
}

const UNSIGNED = ['{"alg":"none"}', '{"sub":"1"}', '']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');
const FORGED = [
  ...['Bearer', 'Bearer ', 'Bearer null', 'Bearer undefined', 'Bearer a.b.c', 'Bearer ..'],
  ...[`Bearer ${UNSIGNED}`, 'Bearer \xff\xfe', 'Bearer "x"', 'Basic YWRtaW46YWRtaW4=', 'Basic'],
  ...['Digest username="admin"', '', ' ', ',', `Bearer ${USER}x`, `Bearer x${ADMIN}`, `Bearer ${ADMIN}=`],
  ...[`Bearer ${ADMIN}.`, `Bearer Bearer ${ADMIN}`, ADMIN, `Token ${ADMIN}`, `Bearer,${ADMIN}`],
  ...[`Bearer ${USER} ${ADMIN}`, `Bearer ${ADMIN}, Bearer ${USER}`, `Bearer ${'x'.repeat(7000)}`],
  ...[
    `Bearer ${SCRIPT}0`,
    `Bearer ${SCRIPT} ${ADMIN}`,
    `Basic ${SCRIPT}`,
    'Bearer wl_',
    `Bearer wl_${'0'.repeat(36)}`,
  ],
  ...[`Bearer ${'a.'.repeat(3000)}`, `Bearer ${'x'.repeat(40_000)}`],
];
const forgedCredentials: Arbitrary<Authorization> = fc
  .constantFrom(...FORGED)
  .map((value) => ({ credentials: 'forged', headers: [['authorization', value]] }));
const brokenCredentials: Arbitrary<Authorization> = fc.oneof(
  fc.constantFrom(NOBODY, AS_USER, AS_ADMIN, AS_SCRIPT),
  forgedCredentials,
  fc.constantFrom<Authorization>(
    { credentials: 'user', headers: [['AUTHORIZATION', `bearer  ${USER} `]] },
    { credentials: 'unsure', headers: [...AS_USER.headers, ...AS_ADMIN.headers] },
    { credentials: 'unsure', headers: [['authorization', 'Bearer x'], ...AS_ADMIN.headers] },
    { credentials: 'forged', headers: [['proxy-authorization', `Bearer ${ADMIN}`]] },
    { credentials: 'forged', headers: [['cookie', `access_token=${ADMIN}; Authorization=Bearer ${ADMIN}`]] },
  ),
);

// Where

/** About as many as there will be. */
const USERS = 40;
const ITEMS = 400;
const TOKENS = 30;

/** Mostly of what is there, sometimes of what never was. */
const ids = (least: number, most: number) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: least, max: most }) },
    { weight: 1, arbitrary: fc.integer({ min: 100_000, max: 2_147_483_647 }) },
  );

function validPath(operation: DescribedOperation, cast: Cast): Arbitrary<string> {
  const [parameter] = parametersOf(operation, 'path');
  if (parameter === undefined) return fc.constant(operation.path);
  // Nobody is to be signed out whose token is in use.
  if (parameter.name === 'session_id') return fc.constant(operation.path.replace(/\{\w+\}/, 'A'.repeat(22)));
  const ranges: Record<string, Arbitrary<number>> = {
    user_id: ids(cast.firstFreeUserId, USERS),
    // Of a token. The first is the script's, and in use.
    id: ids(2, TOKENS),
  };
  const id = ranges[parameter.name] ?? ids(1, ITEMS);
  return id.map((n) => operation.path.replace(/\{\w+\}/, String(n)));
}

function brokenPath({ path, parameters }: DescribedOperation, valid: Arbitrary<string>): Arbitrary<string> {
  const respelled = fc.tuple(valid, fc.nat()).chain(([text, n]) => {
    const at = 1 + (n % (text.length - 1));
    const code = text.charCodeAt(at).toString(16);
    return fc.constantFrom(
      `${text}/`,
      `${text}//`,
      `/${text}`,
      text.toUpperCase(),
      `${text.slice(0, at)}%${code}${text.slice(at + 1)}`,
      `${text.slice(0, at)}%25${code}${text.slice(at + 1)}`,
      `http://localhost${text}`,
    );
  });
  const rearranged = fc
    .tuple(valid, fc.array(fc.constantFrom(...SEGMENTS), { minLength: 1, maxLength: 3 }), fc.nat())
    .map(([text, extra, n]) => {
      const segments = text.split('/');
      segments.splice(1 + (n % segments.length), n % 2, ...extra);
      return segments.join('/');
    });
  const noId = fc
    .oneof(fc.constantFrom(...NO_IDS), wellFormedText.map(encodeURIComponent))
    // Who a single digit names is not to be changed.
    .map((id) => path.replace(/\{\w+\}/, /^\d?$/.test(id) ? '0' : id));
  const hasId = parameters?.some((parameter) => parameter.in === 'path');
  return fc.oneof(
    ...(hasId ? [{ weight: 4, arbitrary: noId }] : []),
    { weight: 2, arbitrary: respelled },
    { weight: 2, arbitrary: rearranged },
    { weight: 1, arbitrary: fc.constantFrom(...TARGETS) },
  );
}

function validQuery(operation: Operation): Arbitrary<string> {
  const values = Object.fromEntries(
    parametersOf(operation, 'query')
      // Only an answer has a cursor that is valid.
      .filter(({ name }) => name !== 'cursor')
      .map(({ name, schema }) => [name, queryValue(name, schema)]),
  );
  return fc.record(values, { requiredKeys: [] }).map((query) =>
    Object.entries(query)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
      .join('&'),
  );
}

function queryValue(name: string, schema: Schema): Arbitrary<string | number> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === 'integer') return fc.oneof(smallIntegers(schema), fc.integer(boundsOf(schema)));
  if (schema.format === 'date-time') return instants;
  if (name === 'ids') return fc.constantFrom('tmdb:1', 'imdb:tt6751668,tmdb:7');
  if (schema.type === 'array') return someOf(schema).map((values) => values.join());
  if (schema.type === 'number') return tenths(schema);
  if (schema.type === 'boolean') return fc.constantFrom('true', 'false');
  return ['q', 'seed'].includes(name)
    ? titles.map((text) => [...text].slice(0, 100).join(''))
    : wellFormedText;
}

const MAXIMUM_ID = 2_147_483_647;
const boundsOf = ({ minimum = 0, maximum = MAXIMUM_ID }: Schema) => ({ min: minimum, max: maximum });
const smallIntegers = (schema: Schema) => {
  const { min, max } = boundsOf(schema);
  return fc.integer({ min, max: Math.min(max, min + 20) });
};
const instants = fc
  .date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  .map((date) => date.toISOString());

function brokenQuery(operation: Operation, valid: Arbitrary<string>): Arbitrary<string> {
  const names = parametersOf(operation, 'query').map(({ name }) => name);
  const known = fc.constantFrom(...(names.length > 0 ? names : QUERY_NAMES));
  const anything = fc.oneof(fc.constantFrom(...QUERY_VALUES), wellFormedText.map(encodeURIComponent));
  const pair = fc
    .tuple(fc.oneof(known, fc.constantFrom(...QUERY_NAMES)), anything)
    .map((both) => both.join('='));
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(known, anything).map((both) => both.join('=')) },
    { weight: 3, arbitrary: fc.tuple(valid, pair).map((both) => both.join('&')) },
    {
      weight: 1,
      arbitrary: fc.tuple(known, anything, anything).map(([name, a, b]) => `${name}=${a}&${name}=${b}`),
    },
    { weight: 1, arbitrary: fc.array(pair, { maxLength: 40 }).map((pairs) => pairs.join('&')) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...QUERIES),
    },
  );
}

// With what

interface Content {
  readonly headers: readonly Header[];
  readonly body: Buffer | undefined;
}
const asJson = (body: Buffer | undefined): Content => ({
  headers: [['content-type', 'application/json']],
  body,
});
const NO_CONTENT: Content = { headers: [], body: undefined };

function validContent(operation: Operation, cast: Cast): Arbitrary<Content> {
  const schema = bodySchemaOf(operation);
  if (schema === undefined) return fc.constant(NO_CONTENT);
  return fc.tuple(members(schema, cast), fc.boolean()).map(([fields, isEscaped]) => {
    const text = objectOf(fields);
    return asJson(Buffer.from(isEscaped ? text.replace(/[\u0080-\uffff]/g, escaped) : text));
  });
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The members of an object, their values as the text that stands for them in JSON. */
type Members = readonly (readonly [name: string, json: string])[];
const objectOf = (fields: Members) =>
  `{${fields.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;

function members({ properties = {}, required = [] }: Schema, cast: Cast): Arbitrary<Members> {
  if ('password' in properties) return accounts(cast);
  const values = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, bodyValue(name, schema)]),
  );
  return fc
    .record(values, { requiredKeys: [...required] })
    .map((body) =>
      Object.entries(body).map(([name, value]): Members[number] => [name, JSON.stringify(value)]),
    )
    .filter((fields) => fields.length > 0);
}

function bodyValue(name: string, schema: Schema): Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === 'array') return someOf(schema);
  if (schema.type === 'number') return tenths(schema);
  // A movie has no progress.
  if (name === 'progress') return fc.constant(null);
  if (schema.type === 'object') {
    const values = Object.entries(schema.properties!).map(([member, each]) => [
      member,
      bodyValue(member, each),
    ]);
    return fc.record(Object.fromEntries(values) as Record<string, Arbitrary<unknown>>, { requiredKeys: [] });
  }
  if (schema.type === 'integer') {
    return schema.maximum === MAXIMUM_ID ? ids(1, USERS) : fc.integer(boundsOf(schema));
  }
  if (schema.type === 'boolean') return fc.boolean();
  if (name.endsWith('_password')) return passwords;
  if (name === 'name') return names;
  if (name === 'email') return emails;
  if (['title', 'notes', 'refresh_token', 'token'].includes(name)) return titles;
  const isOfAForm = schema.format !== undefined || schema.pattern !== undefined;
  return isOfAForm && schema.example !== undefined ? fc.constant(schema.example) : wellFormedText;
}

/** Elements of a list. */
const someOf = ({ items }: Schema) =>
  fc.subarray([...(items!.enum ?? ['noir', 'Sci-Fi', '\u6620\u753b'])], { minLength: 1 });

const tenths = ({ minimum = 0, maximum = 10 }: Schema) =>
  fc.integer({ min: Math.round(minimum * 10), max: maximum * 10 }).map((value) => value / 10);

/** One of a few: users without number would be memory without end. */
const emails = fc.integer({ min: 1, max: USERS }).map((n) => `Somebody-${n}@example.com`);

/** Somebody who is there, or who will be. */
const accounts = ({ user }: Cast): Arbitrary<Members> =>
  fc
    .oneof(
      fc.constant(user),
      fc.record({
        email: emails,
        password: passwords,
      }),
    )
    .map(({ email, password }) => [
      ['email', JSON.stringify(email)],
      ['password', JSON.stringify(password)],
    ]);

const anyJson: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text)) },
  { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: anyText.map((text) => JSON.stringify(text)) },
);

function brokenContent(operation: Operation, cast: Cast): Arbitrary<Content> {
  const schema = bodySchemaOf(operation);
  const fields: Arbitrary<Members> = schema ? members(schema, cast) : fc.constant([['title', '"Parasite"']]);
  const names = Object.keys(schema?.properties ?? { title: {} });
  const replaced = fc
    .tuple(fields, fc.constantFrom(...names), anyJson)
    .map(([all, name, json]): Members => [...all.filter(([each]) => each !== name), [name, json]]);
  const spare = fc
    .tuple(fields, fc.constantFrom(...FIELDS, ...names), anyJson)
    // A name that is there already is there twice.
    .map(([all, name, json]): Members => [...all, [name, json]]);
  const short = fc
    .tuple(fields, fc.nat())
    .map(([all, n]): Members => all.filter((_, at) => at !== n % all.length));
  const objects = fc.oneof(replaced, replaced, spare, short).map((each) => bytes(objectOf(each)));
  const damaged = fc
    .tuple(fields.map(objectOf), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }))
    .chain(([text, n, rubbish]) => {
      const body = bytes(text);
      const at = n % body.length;
      return fc.constantFrom(
        body.subarray(0, at),
        Buffer.concat([body.subarray(0, at), rubbish, body.subarray(at)]),
        Buffer.concat([body.subarray(0, at), Buffer.of(0), body.subarray(at + 1)]),
        Buffer.concat([body.subarray(0, at), Buffer.of(0xed, 0xa0, 0x80), body.subarray(at)]),
        Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), body]),
        Buffer.concat([body, rubbish]),
        Buffer.from(text, 'utf16le'),
        Buffer.from(`\ufeff${text}`, 'utf16le'),
        bytes(`[${text}]`),
        bytes(JSON.stringify(text)),
      );
    });
  const brokenText = fc.tuple(fields.map(objectOf), fc.constantFrom(...BROKEN_TEXT)).map(([text, broken]) => {
    const at = text.indexOf(':"') + 2;
    return Buffer.concat([bytes(text.slice(0, at)), broken, bytes(text.slice(at))]);
  });
  const encoded = fc
    .tuple(
      fields.map(objectOf),
      fc.constantFrom('gzip', 'x-gzip', 'deflate', 'br', 'identity', 'nothing', '\xff'),
      fc.boolean(),
    )
    .map(([text, encoding, isPacked]): Content => ({
      headers: [
        ['content-type', 'application/json'],
        ['content-encoding', encoding],
      ],
      body: isPacked ? gzipSync(text) : bytes(text),
    }));
  const mislabelled = fc
    .tuple(fields.map(objectOf), fc.constantFrom(...CONTENT_TYPES))
    .map(([text, type]): Content => ({ headers: [['content-type', type]], body: bytes(text) }));
  return fc.oneof(
    { weight: 6, arbitrary: objects.map(asJson) },
    { weight: 3, arbitrary: fc.constantFrom(...BODIES).map(asJson) },
    { weight: 2, arbitrary: damaged.map(asJson) },
    { weight: 2, arbitrary: brokenText.map(asJson) },
    { weight: 1, arbitrary: encoded },
    { weight: 1, arbitrary: mislabelled },
    { weight: 1, arbitrary: fc.constantFrom(...HUGE_BODIES).map(asJson) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((each) => asJson(Buffer.from(each))) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Content>(
        NO_CONTENT,
        asJson(undefined),
        { headers: [], body: bytes('{"title":"Parasite","type":"movie"}') },
        {
          headers: [
            ['content-type', 'application/json'],
            ['content-type', 'text/plain'],
          ],
          body: bytes('{}'),
        },
      ),
    },
  );
}

// And how

const validHeaders: Arbitrary<Header[]> = fc
  .record(
    {
      'x-request-id': fc.stringMatching(/^[A-Za-z0-9._-]{1,128}$/),
      accept: fc.constantFrom('*/*', 'application/json', 'application/problem+json', 'text/html, */*;q=0.1'),
      'if-match': fc.constantFrom('*', '"a", W/"b"'),
      'if-none-match': fc.constantFrom('*', 'W/"1.x.0.abc"', '"a", W/"b"'),
      origin: fc.constantFrom('http://localhost:3000', 'https://evil.example', 'null'),
      'user-agent': fc.constant('Mozilla/5.0'),
    },
    { requiredKeys: [] },
  )
  .map((headers) => Object.entries(headers));

const visible = (maxLength: number) =>
  fc
    .array(
      fc.integer({ min: 0x20, max: 0xff }).filter((byte) => byte !== 0x7f),
      { maxLength },
    )
    .map((all) => String.fromCharCode(...all).trim());
const brokenHeaders: Arbitrary<Header[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...HEADERS) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom(
          'x-anything',
          'x-request-id',
          'if-match',
          'if-none-match',
          'accept',
          'origin',
          'cookie',
          'accept-language',
        ),
        visible(60),
      ),
    },
  ),
  { minLength: 1, maxLength: 4 },
);
const brokenHost: Arbitrary<Header[]> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Header[]>([['host', 'localhost']]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Header[]>(
      [],
      [['host', '']],
      [['host', 'evil.example:99999']],
      [['host', '\xff']],
      [
        ['host', 'localhost'],
        ['host', 'evil.example'],
      ],
    ),
  },
);
