// `npm run demo`: an account with forty titles on a server for developing, over HTTP, to have something to look at.
//
// Ends with 0 when all titles are there; 1 when something is in the way that can be put right (run it again: it goes on
// where it was); 2 when it will not: settings that are none, or a server that may be in production.
import { authorize, createWatchlistClient, honourRetryAfter, unwrap } from '@watchlist/client';
import { cautiousFetch } from './cautious-fetch.mjs';
import { countdown } from './countdown.mjs';
import { Obstacle, obstacleOf } from './obstacle.mjs';
import { TITLES } from './titles.mjs';

const BASE_URL = (process.env.BASE_URL || 'http://localhost:8000').replace(/\/+$/, '');
const EMAIL = process.env.DEMO_EMAIL || 'demo@example.com';
const PASSWORD = process.env.DEMO_PASSWORD || 'popcorn-at-midnight';

const PAGE = 100;
/** Longer than any limit's window by default: a server that asks for more is waited for by running this again. */
const MAXIMUM_WAIT_SECONDS = 120;
/** In a window that slides, places come free one by one. */
const RETRIES = 20;
/** Nobody's list to look at is longer, and a server may say whatever it likes about how long one is. */
const MAXIMUM_PAGES = 100;

let hasWaited = false;

const client = createWatchlistClient({
  baseUrl: BASE_URL,
  fetch: honourRetryAfter({
    retries: RETRIES,
    maximumSeconds: MAXIMUM_WAIT_SECONDS,
    fetch: cautiousFetch,
    wait: async (seconds, refusal) => {
      hasWaited = true;
      await countdown(seconds, reasonOf(refusal));
    },
  }),
});

/** @param {Response} refusal */
function reasonOf({ status, headers }) {
  const [, calls, window] = /;q=(\d+);w=(\d+)$/.exec(headers.get('ratelimit-policy') ?? '') ?? [];
  return status === 429 && calls !== undefined
    ? `Over the limit of ${calls} calls in ${window} s`
    : 'The server is busy';
}

async function refuseProduction() {
  // As text: it may be no server of ours that answers.
  const { data, error, response } = await client.GET('/v1/health/detailed', { parseAs: 'text' });
  const environment = response.headers.get('x-environment');
  if (environment === null || environment === 'production') {
    throw new Obstacle(
      `${BASE_URL} does not say that it is a server for developing: it is in production, or something else altogether. ` +
        'This is not for such: everybody knows the password of the account that it would make.',
      2,
    );
  }
  if (!response.ok) throw new Obstacle(`${BASE_URL} is not well: ${JSON.stringify(data ?? error)}`);
}

/**
 * The types say that it is; what answers has not read them.
 *
 * @param {boolean} isThere
 * @param {string} what
 */
function expectOfApi(isThere, what) {
  if (!isThere)
    throw new Obstacle(`What answers is not the API: there is not ${what} in what ${BASE_URL} answers`);
}

/** Registers first: to sign in as somebody who is not there would be counted as a wrong password. */
async function signIn() {
  const body = { email: EMAIL, password: PASSWORD };
  const registered = await client.POST('/v1/auth/register', { body });
  const code = registered.error?.code;
  if (code !== 'EMAIL_TAKEN' && code !== 'REGISTRATION_CLOSED') unwrap(registered);
  const signedIn = await client.POST('/v1/auth/login', { body });
  if (signedIn.error?.code === 'INVALID_CREDENTIALS') {
    throw new Obstacle(
      code === 'REGISTRATION_CLOSED'
        ? `Nobody can register at ${BASE_URL} (REGISTRATION=closed), and ${EMAIL} is not there with this password. ` +
            'Start the server with REGISTRATION=open, or set DEMO_EMAIL and DEMO_PASSWORD to those of an account that is there.'
        : `${EMAIL} is there already, with another password (or disabled). ` +
            'Set DEMO_PASSWORD to it, or DEMO_EMAIL to another address.',
    );
  }
  const token = unwrap(signedIn)?.access_token;
  // What can be sent in a header.
  expectOfApi(typeof token === 'string' && /^[\x21-\x7e]+$/.test(token), 'an access token');
  console.log(`${code === undefined ? 'Registered' : 'Signed in'} as ${EMAIL} at ${BASE_URL}.`);
  return token;
}

/** @param {{ title: string, type: string }} item */
const keyOf = ({ title, type }) => `${type} ${title.normalize('NFC')}`;

/** @param {unknown} item */
function isItem(item) {
  const { title, type } = /** @type {Record<string, unknown>} */ (item ?? {});
  return typeof title === 'string' && typeof type === 'string';
}

async function titlesThere() {
  const there = new Set();
  for (let skip = 0, total = 1; skip < total; skip += PAGE) {
    if (skip >= MAXIMUM_PAGES * PAGE)
      throw new Obstacle(
        `${EMAIL} has more than ${skip} titles. Set DEMO_EMAIL to another address, for an account to look at.`,
        2,
      );
    const query = { skip, limit: PAGE, sort: /** @type {const} */ ('created_at_asc') };
    const page = unwrap(await client.GET('/v1/watchlists', { params: { query } }));
    expectOfApi(Array.isArray(page?.watchlist) && page.watchlist.every(isItem), 'a list');
    // Whatever the total is: somebody may have deleted the rest.
    if (page.watchlist.length === 0) break;
    for (const item of page.watchlist) there.add(keyOf(item));
    total = page.total;
  }
  return there;
}

async function addTitles() {
  let there = await titlesThere();
  const found = TITLES.filter((item) => there.has(keyOf(item))).length;
  if (found > 0) console.log(`${found} of ${TITLES.length} titles are there already.`);
  hasWaited = false;
  for (const [index, item] of TITLES.entries()) {
    // Others may have used the time: somebody at the dashboard, or this program once more.
    if (hasWaited) there = await titlesThere();
    hasWaited = false;
    if (there.has(keyOf(item))) continue;
    unwrap(await client.POST('/v1/watchlists/items', { body: item }));
    console.log(`${String(index + 1).padStart(4)}/${TITLES.length}  ${item.title}`);
  }
}

function checkBaseUrl() {
  const { protocol, username, password, search, hash } = URL.canParse(BASE_URL)
    ? new URL(BASE_URL)
    : new URL('about:blank');
  if (!/^https?:$/.test(protocol) || username + password + search + hash !== '')
    throw new Obstacle(
      'BASE_URL must be a URL such as http://localhost:8000, without credentials, query or fragment',
      2,
    );
}

async function main() {
  checkBaseUrl();
  await refuseProduction();
  const token = await signIn();
  client.use(authorize(() => token));
  try {
    await addTitles();
  } finally {
    // No session is left behind; where the server has gone, its own end will do.
    await client.POST('/v1/auth/logout', { body: {} }).catch(() => undefined);
  }
  const password = process.env.DEMO_PASSWORD ? '(your DEMO_PASSWORD)' : PASSWORD;
  console.log(`
All ${TITLES.length} titles are there. To see them, open

  ${BASE_URL}/dashboard

  E-mail    ${EMAIL}
  Password  ${password}
`);
}

main().catch((/** @type {unknown} */ error) => {
  const obstacle = obstacleOf(error, BASE_URL);
  if (obstacle === undefined) throw error;
  console.error(obstacle.message);
  process.exitCode = obstacle.exitCode;
});
