const JSON_TYPE = { 'content-type': 'application/json' };
export const PASSWORD = 'correct horse battery staple';

/** Of the users that were seeded: id → access token. */
const tokens = new Map();
export const bearer = (userId) => ({ authorization: `Bearer ${tokens.get(userId)}` });

export function post(url, path, body, headers = {}) {
  return fetch(url + path, {
    method: 'POST',
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify(body),
  });
}

/** Registers users `<name>0@example.com`…, signs them in and gives each some items, over HTTP. @returns their ids */
export async function seed(url, { users, items, name = 'user' }) {
  const ids = [];
  for (let i = 0; i < users; i++) {
    const answer = await post(url, '/v1/auth/register', {
      email: `${name}${i}@example.com`,
      password: PASSWORD,
    });
    if (answer.status !== 201) throw new Error(`seeding: ${answer.status} ${await answer.text()}`);
    const { id } = (await answer.json()).user;
    const signedIn = await post(url, '/v1/auth/login', {
      email: `${name}${i}@example.com`,
      password: PASSWORD,
    });
    tokens.set(id, (await signedIn.json()).access_token);
    ids.push(id);
  }
  for (const id of ids) {
    for (let n = 0; n < items; n++) {
      const answer = await post(
        url,
        '/v1/watchlists/items',
        { title: `Movie number ${n}`, type: n % 2 ? 'show' : 'movie' },
        bearer(id),
      );
      if (answer.status !== 201) throw new Error(`seeding: ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  }
  return ids;
}

/** For the load generator: each request as one user, in turn. */
export const listRequests = (ids) =>
  ids.map((id) => ({ method: 'GET', path: '/v1/watchlists', headers: bearer(id) }));

export const addRequests = (ids) =>
  ids.map((id) => ({
    method: 'POST',
    path: '/v1/watchlists/items',
    headers: { ...JSON_TYPE, ...bearer(id) },
    body: JSON.stringify({ title: 'Parasite', type: 'movie' }),
  }));

export const loginRequests = (count) =>
  Array.from({ length: count }, (_, i) => ({
    method: 'POST',
    path: '/v1/auth/login',
    headers: JSON_TYPE,
    body: JSON.stringify({ email: `user${i}@example.com`, password: PASSWORD }),
  }));
