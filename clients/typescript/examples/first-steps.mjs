// @ts-check
// What a program does with the API, step by step. Needs a server (`npm start` in the repository's root):
//
//   BASE_URL=http://localhost:8000 node examples/first-steps.mjs
import { randomUUID } from 'node:crypto';
import {
  authorize,
  createWatchlistClient,
  etagOf,
  honourRetryAfter,
  ProblemError,
  renewing,
  unwrap,
} from '@watchlist/client';

const baseUrl = process.env.BASE_URL ?? 'http://localhost:8000';
// Optional: what is over a limit waits as the server says, and is sent again.
const options = { baseUrl, fetch: honourRetryAfter() };
const client = createWatchlistClient(options);

// An account, and a session. From here on every call carries the access token, renewed before it expires.
const credentials = {
  email: `example-${randomUUID()}@example.com`,
  password: 'a film a day keeps boredom away',
};
unwrap(await client.POST('/v1/auth/register', { body: credentials }));
const tokens = unwrap(await client.POST('/v1/auth/login', { body: credentials }));
client.use(authorize(renewing(options, tokens)));
console.log(`signed in as ${unwrap(await client.GET('/v1/auth/me')).email}`);

const added = await client.POST('/v1/watchlists/items', { body: { title: 'Amelie', type: 'movie' } });
const { item } = unwrap(added);
console.log(`added ${item.title} as number ${item.id}`);

// Two programs change what they have both seen: the second one is told.
const params = { path: { item_id: item.id }, header: { 'If-Match': etagOf(added.response) } };
const first = await client.PATCH('/v1/watchlists/items/{item_id}', { params, body: { title: 'Amélie' } });
console.log(`changed to ${unwrap(first).item.title}`);
const second = await client.PATCH('/v1/watchlists/items/{item_id}', { params, body: { title: 'AMELIE' } });
// Without unwrap(): `error` is the problem document, typed.
console.log(`refused: ${second.response.status} ${second.error?.code}`);

// What is wrong with which field.
try {
  unwrap(await client.POST('/v1/watchlists/items', { body: { title: '', type: 'movie' } }));
} catch (error) {
  if (!(error instanceof ProblemError)) throw error;
  for (const { field, message } of error.errors) console.log(`${error.code}: ${field} ${message}`);
}

// The list is cached, and never older than the last change.
for (let call = 0; call < 2; call++) {
  const list = await client.GET('/v1/watchlists', {
    params: { query: { type: 'movie', sort: 'title_asc' } },
  });
  const titles = unwrap(list).watchlist.map(({ title }) => title);
  console.log(`${list.response.headers.get('x-cache')}: ${titles.join(', ')}`);
}

// An account of an example is not kept.
unwrap(await client.DELETE('/v1/auth/me', { body: { current_password: credentials.password } }));
console.log('erased');
