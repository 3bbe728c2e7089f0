import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Response } from 'supertest';
import { PersonalTokensService } from '../src/auth/personal-tokens/personal-tokens.service.js';
import { type Scope, SCOPES } from '../src/auth/access/scopes.js';
import { generateToken } from '../src/auth/personal-tokens/token-format.js';
import { SessionsService } from '../src/auth/sessions/sessions.service.js';
import { UsersRepository } from '../src/users/users.repository.js';
import { type Actor, asAdmin, asUser, PASSWORD, randomEmail, signIn } from './support/actors.js';
import { appearanceOf } from './support/appearance.js';
import { rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { GithubStub } from './support/github-stub.js';
import { DEAD_MAIL_SERVER, tokenIn } from './support/mail-server.js';
import { expired } from './support/tokens.js';

interface Operation {
  readonly method: string;
  /** As the document has it: `/v1/watchlists/items/{item_id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly isPublic: boolean;
  readonly statuses: readonly string[];
}

interface Document {
  readonly paths: Record<
    string,
    Record<string, { operationId: string; security?: object[]; responses: object }>
  >;
}

const document = JSON.parse(readFileSync(join(__dirname, '../openapi.json'), 'utf8')) as Document;
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId, security, responses }]): Operation => ({
    method: method.toUpperCase(),
    path,
    operationId,
    // Nothing is asked for, said as `[]` or with `{}` among the alternatives; left out, it is the document's own: a token.
    isPublic:
      security !== undefined &&
      (security.length === 0 || security.some((alternative) => Object.keys(alternative).length === 0)),
    statuses: Object.keys(responses),
  })),
);

/** What the routes with an id are asked about. */
interface Target {
  readonly ownerId: number;
  readonly itemId: number;
  readonly refreshToken: string;
  readonly resetToken: string;
}

interface Prepared {
  readonly url: string;
  readonly body: object | undefined;
}

interface Access {
  readonly anonymous: number;
  readonly user: number;
  readonly owner: number;
  readonly admin: number;
  /** A token that was good once. */
  readonly lockedOut: number;
  /** What a personal token must be for; without it, it is refused wherever a token is looked at. */
  readonly scope?: Scope;
  /** Where something other than the caller can be refused with 403: the page that asks, or everybody. */
  readonly checksOrigin?: boolean;
  readonly canBeClosed?: boolean;
  /** Where nothing is needed, but a token that comes must be good. */
  readonly looksAtTokens?: boolean;
  /** Where the item must be in the trash. */
  readonly isOfTrash?: boolean;
  /** One that is acceptable, so that nothing but access decides. */
  readonly body?: (target: Target) => object;
}

const open = (status: number, body?: Access['body']): Access => ({
  anonymous: status,
  user: status,
  owner: status,
  admin: status,
  lockedOut: status,
  body,
});
const signedIn = (status: number, body?: Access['body']): Access => ({
  ...open(status, body),
  anonymous: 401,
  lockedOut: 401,
});
const ownerOnly = (status: number, body?: Access['body']): Access => ({
  anonymous: 401,
  user: 404,
  owner: status,
  // An admin has routes of their own for this.
  admin: 404,
  lockedOut: 401,
  body,
});
const adminOnly = (status: number, body?: Access['body']): Access => ({
  anonymous: 401,
  user: 403,
  owner: 403,
  admin: status,
  lockedOut: 401,
  body,
});

const item = () => ({ title: 'Parasite', type: 'movie' });

/** Who may do what; every operation of the document has its line. */
const ACCESS: Record<string, Access> = {
  getLiveness: open(200),
  getLive: open(200),
  getReady: open(200),
  getDetailedHealth: open(200),
  getGithubStatus: open(200),
  register: { ...open(201, () => ({ email: randomEmail(), password: PASSWORD })), canBeClosed: true },
  forgotPassword: open(202, () => ({ email: randomEmail() })),
  resetPassword: open(204, ({ resetToken }) => ({ token: resetToken, new_password: PASSWORD })),
  refresh: { ...open(200, ({ refreshToken }) => ({ refresh_token: refreshToken })), checksOrigin: true },
  // Whose access token is not valid is told so; without one the refresh token is enough.
  logout: {
    ...open(204, () => ({ refresh_token: 'of nobody' })),
    lockedOut: 401,
    checksOrigin: true,
    looksAtTokens: true,
  },
  login: open(200, () => ({ email: 'signs-in@example.com', password: PASSWORD })),

  getMe: { ...signedIn(200), scope: 'profile:read' },
  listSessions: signedIn(200),
  endOtherSessions: signedIn(204),
  changePassword: signedIn(204, () => ({ current_password: PASSWORD, new_password: PASSWORD })),
  changeEmail: signedIn(200, () => ({ email: randomEmail(), current_password: PASSWORD })),
  eraseAccount: signedIn(204, () => ({ current_password: PASSWORD })),
  createToken: signedIn(201, () => ({ name: 'Backup', scopes: ['items:read'], expires_in_days: 1 })),
  listTokens: signedIn(200),
  getSummary: { ...signedIn(200), scope: 'items:read' },
  listTags: { ...signedIn(200), scope: 'items:read' },
  pickItem: { ...signedIn(200), scope: 'items:read' },
  emptyTrash: { ...signedIn(204), scope: 'items:write' },
  listItems: { ...signedIn(200), scope: 'items:read' },
  addItem: { ...signedIn(201, item), scope: 'items:write' },

  endSession: ownerOnly(204),
  revokeToken: ownerOnly(204),
  getItem: { ...ownerOnly(200), scope: 'items:read' },
  updateItem: { ...ownerOnly(200, () => ({ title: 'Severance' })), scope: 'items:write' },
  deleteItem: { ...ownerOnly(204), scope: 'items:write' },
  moveItem: { ...ownerOnly(200, () => ({ to: 'first' })), scope: 'items:write' },
  restoreItem: { ...ownerOnly(200), scope: 'items:write', isOfTrash: true },

  getStats: adminOnly(200),
  listUsers: adminOnly(200),
  inviteUser: adminOnly(201, () => ({ email: randomEmail() })),
  createPasswordReset: adminOnly(201),
  updateUser: adminOnly(200, () => ({ role: 'user', disabled: false })),
  listAllItems: adminOnly(200),
  addItemFor: adminOnly(201, ({ ownerId }) => ({ user_id: ownerId, ...item() })),
  getItemOf: adminOnly(200),
  updateItemOf: adminOnly(200, () => ({ title: 'Severance' })),
  deleteItemOf: adminOnly(204),
  restoreItemOf: { ...adminOnly(200), isOfTrash: true },
  listAuditLogs: adminOnly(200),
};

/** Each with the column of the table in which their answers stand; for personal tokens, where their scope is enough. */
const ACTORS = {
  anonymous: 'anonymous',
  'another user': 'user',
  'an admin who is one no longer': 'user',
  'the owner': 'owner',
  'an admin': 'admin',
  'a disabled owner': 'lockedOut',
  'a disabled admin': 'lockedOut',
  'a removed admin': 'lockedOut',
  'the owner whose session has ended': 'lockedOut',
  'the owner with an expired token': 'lockedOut',
  'an admin with an expired token': 'lockedOut',
  "a script with the owner's token for items:read": 'owner',
  "a script with the owner's token for items:write": 'owner',
  "a script with the owner's token for profile:read": 'owner',
  "a script with an admin's token for everything": 'admin',
  'a script with a revoked token': 'lockedOut',
  'a script with an expired token': 'lockedOut',
  "a script with a disabled owner's token": 'lockedOut',
  'somebody who made a token up': 'lockedOut',
} as const satisfies Record<string, 'anonymous' | 'user' | 'owner' | 'admin' | 'lockedOut'>;
type ActorName = keyof typeof ACTORS;

const CODES: Record<number, string> = { 401: 'UNAUTHORIZED', 403: 'FORBIDDEN', 404: 'ITEM_NOT_FOUND' };
const NOT_FOUND: Record<string, string> = { endSession: 'SESSION_NOT_FOUND', revokeToken: 'TOKEN_NOT_FOUND' };
const codeOf = (operationId: string, status: number) =>
  (status === 404 && NOT_FOUND[operationId]) || CODES[status]!;

/** Of a script's token that is good: for which scopes. */
function scopesOf(actor: ActorName): readonly Scope[] | null {
  if (actor.endsWith('for everything')) return SCOPES;
  const scope = SCOPES.find((name) => actor.endsWith(` for ${name}`));
  return scope === undefined ? null : [scope];
}

function statusFor(actor: ActorName, access: Access): number {
  const scopes = scopesOf(actor);
  const isLookedAt = access.anonymous === 401 || access.looksAtTokens === true;
  const isEnough = access.scope !== undefined && scopes?.includes(access.scope);
  return scopes !== null && isLookedAt && !isEnough ? 403 : access[ACTORS[actor]];
}

describe('access', () => {
  let github: GithubStub;
  let server: TestApp;
  let admin: Actor;
  let owner: Actor;
  let disabledOwner: Actor;
  const tokens = new Map<ActorName, string>();
  /** Good for the next exchange. */
  let refreshToken: string;
  let forgetful: Actor;

  beforeAll(async () => {
    github = await GithubStub.start();
    server = await createTestApp({ env: { GITHUB_API_URL: github.url, ...DEAD_MAIL_SERVER } });
    admin = await asAdmin(server);
    owner = await asUser(server);
    disabledOwner = await asUser(server);
    forgetful = await asUser(server);
    await asUser(server, 'signs-in@example.com');
    const signedIn = await server
      .request()
      .post('/v1/auth/login')
      .send({ email: 'signs-in@example.com', password: PASSWORD });
    refreshToken = signedIn.body.refresh_token;
    const [demoted, disabledAdmin, removed] = [
      await asAdmin(server),
      await asAdmin(server),
      await asAdmin(server),
    ];
    await admin.patch(`/v1/admin/users/${demoted.id}`, { role: 'user' }).expect(200);
    for (const { id } of [disabledOwner, disabledAdmin])
      await admin.patch(`/v1/admin/users/${id}`, { disabled: true }).expect(200);
    await server.app.get(UsersRepository, { strict: false }).delete(removed.id);

    tokens.set('another user', (await asUser(server)).token);
    tokens.set('an admin who is one no longer', demoted.token);
    tokens.set('the owner', owner.token);
    tokens.set('an admin', admin.token);
    tokens.set('a disabled owner', disabledOwner.token);
    tokens.set('a disabled admin', disabledAdmin.token);
    tokens.set('a removed admin', removed.token);
    tokens.set('the owner whose session has ended', await signIn(server, owner.email));
    await owner.delete('/v1/auth/sessions').expect(204);
    tokens.set('the owner with an expired token', expired(server, owner.token));
    tokens.set('an admin with an expired token', expired(server, admin.token));

    const personal = server.app.get(PersonalTokensService, { strict: false });
    const create = (actor: Actor, scopes: readonly Scope[], expiresInDays: number | null = null) =>
      personal.createToken({ name: 'a script', scopes, expiresInDays }, actor);
    for (const actor of Object.keys(ACTORS) as ActorName[]) {
      const scopes = scopesOf(actor);
      if (scopes === null) continue;
      const whose = ACTORS[actor] === 'admin' ? admin : owner;
      tokens.set(actor, (await create(whose, scopes)).token);
    }
    const revoked = await create(owner, SCOPES);
    await personal.revokeToken(revoked.stored.id, owner);
    tokens.set('a script with a revoked token', revoked.token);
    tokens.set('a script with an expired token', (await create(owner, SCOPES, 0)).token);
    tokens.set("a script with a disabled owner's token", (await create(disabledOwner, SCOPES)).token);
    tokens.set('somebody who made a token up', generateToken());
  });
  afterAll(async () => {
    await server.close();
    await github.close();
  });

  async function addItemOf({ id }: Actor): Promise<Target> {
    const { body } = await admin.post('/v1/admin/watchlists/items', { user_id: id, ...item() }).expect(201);
    return { ownerId: id, itemId: body.item.id, refreshToken, resetToken: '' };
  }
  const createResetToken = async () =>
    tokenIn((await admin.post(`/v1/admin/users/${forgetful.id}/password-reset`).expect(201)).body.reset_url);

  const beginSessionOf = async ({ id }: Actor) =>
    (await server.app.get(SessionsService, { strict: false }).startSession(id, undefined)).id;

  const createTokenOf = async (actor: Actor) => {
    const tokens = server.app.get(PersonalTokensService, { strict: false });
    const { stored } = await tokens.createToken({ name: 'x', scopes: SCOPES, expiresInDays: 0 }, actor);
    return String(stored.id);
  };

  function send(actor: ActorName, method: string, path: string, body?: object): PromiseLike<Response> {
    const request = server.request()[method.toLowerCase() as 'get'](path);
    const token = tokens.get(actor);
    if (token !== undefined) request.set('authorization', `Bearer ${token}`);
    return body ? request.send(body) : request;
  }

  describe('is decided for every route that there is', () => {
    /** Of the server's own making, the same for everybody. */
    const UNDOCUMENTED = /^\/$|^\/(docs([/*].*)?|openapi\.json|favicon\.ico|dashboard([/*].*)?)$/;

    /** `METHOD /path`, read from the router's picture of itself. */
    function routesOf({ app }: TestApp): string[] {
      const instance = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
      const parents: string[] = [];
      return instance
        .printRoutes({ commonPrefix: false })
        .split('\n')
        .flatMap((line) => {
          const [, indent, part, methods] = /^([│ ]*)[├└]── (\S+)(?: \((.+)\))?$/.exec(line) ?? [];
          if (part === undefined) return [];
          parents.length = indent!.length / 4;
          const path = parents.join('') + part;
          parents.push(part);
          return (methods?.split(', ') ?? []).map((method) => `${method} ${path}`);
        });
    }

    it('in the document and in this table alike', () => {
      expect(Object.keys(ACCESS).sort()).toEqual(OPERATIONS.map(({ operationId }) => operationId).sort());
    });

    it('in the router and in the document alike', () => {
      const routes = routesOf(server).filter((route) => {
        const [method, path] = route.split(' ') as [string, string];
        return !['HEAD', 'OPTIONS'].includes(method) && !UNDOCUMENTED.test(path);
      });
      const documented = OPERATIONS.map(
        ({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
      );
      expect(routes.sort()).toEqual(documented.sort());
    });

    it('as the document says', () => {
      const documented = OPERATIONS.map(({ operationId, isPublic, statuses }) => ({
        operationId,
        isPublic,
        tellsOf403: statuses.includes('403'),
      }));
      const decided = OPERATIONS.map(({ operationId }) => {
        const { anonymous, checksOrigin, canBeClosed } = ACCESS[operationId]!;
        return {
          operationId,
          isPublic: anonymous !== 401,
          tellsOf403: anonymous === 401 || checksOrigin === true || canBeClosed === true,
        };
      });
      expect(documented).toEqual(decided);
    });
  });

  /** A request for what the owner has: a new item and, where the operation needs one, a new session or token. */
  async function prepared({ path, operationId }: Operation): Promise<Prepared> {
    const target = await addItemOf(owner);
    if (ACCESS[operationId]!.isOfTrash)
      await admin.delete(`/v1/admin/watchlists/items/${target.itemId}`).expect(204);
    const resetToken = operationId === 'resetPassword' ? await createResetToken() : '';
    return {
      url: path
        .replace('{item_id}', String(target.itemId))
        .replace('{user_id}', String(target.ownerId))
        .replace('{session_id}', operationId === 'endSession' ? await beginSessionOf(owner) : '')
        .replace('{id}', operationId === 'revokeToken' ? await createTokenOf(owner) : ''),
      body: ACCESS[operationId]!.body?.({ ...target, resetToken }),
    };
  }

  async function expectAnswer(actor: ActorName, { method, operationId }: Operation, request: Prepared) {
    const { url, body } = request;
    const expected = statusFor(actor, ACCESS[operationId]!);
    const response = await send(actor, method, url, body);
    // The actor is in the message of a test that fails.
    expect({ actor, status: response.status }).toEqual({ actor, status: expected });
    if (expected < 400) {
      expect(response.headers).not.toHaveProperty('www-authenticate');
      if (operationId === 'refresh') refreshToken = response.body.refresh_token;
    } else {
      expectProblem(response, expected, codeOf(operationId, expected));
      expect('www-authenticate' in response.headers).toBe(expected !== 404);
    }
    if (method === 'GET') expect((await send(actor, 'HEAD', url)).status).toBe(expected);
  }

  /** The account is erased, so another account of the same kind acts here. */
  async function expectErased(actor: ActorName, operation: Operation): Promise<void> {
    const before = tokens.get(actor)!;
    tokens.set(actor, (await (actor === 'an admin' ? asAdmin : asUser)(server)).token);
    await expectAnswer(actor, operation, await prepared(operation));
    tokens.set(actor, before);
  }

  it.each(
    OPERATIONS.filter(({ operationId }) => operationId in ACCESS).map(
      (operation) => [operation.method, operation.path, operation] as const,
    ),
  )('%s %s answers every actor as the table says', async (_method, _path, operation) => {
    const actors = Object.keys(ACTORS) as ActorName[];
    const isRefused = (actor: ActorName) => statusFor(actor, ACCESS[operation.operationId]!) >= 400;

    const request = await prepared(operation);
    const rows = await rowsLeftBy(admin, async () => {
      for (const actor of actors.filter(isRefused)) await expectAnswer(actor, operation, request);
    });
    expect(rows).toEqual([]);

    for (const actor of actors.filter((each) => !isRefused(each))) {
      if (operation.operationId === 'eraseAccount') await expectErased(actor, operation);
      else await expectAnswer(actor, operation, await prepared(operation));
    }
  });

  describe("to another user's item", () => {
    let foreignId: number;
    beforeAll(async () => {
      foreignId = (await addItemOf(owner)).itemId;
    });

    const METHODS: [string, object | undefined][] = [
      ['GET', undefined],
      ['PATCH', { title: 'Severance' }],
      ['DELETE', undefined],
    ];
    const OTHER_IDS: [string, (foreign: number) => string][] = [
      ['of nobody', () => '2147483647'],
      ['beyond the range', () => '2147483648'],
      ['of thirty digits', () => '9'.repeat(30)],
      ['of zero', () => '0'],
      ['with a sign', (foreign) => `+${foreign}`],
      ['below zero', (foreign) => `-${foreign}`],
      ['with a zero before it', (foreign) => `0${foreign}`],
      ['with an exponent', (foreign) => `${foreign}e0`],
      ['with a fraction', (foreign) => `${foreign}.0`],
      ['in hexadecimal', (foreign) => `0x${foreign.toString(16)}`],
      ['with a space', (foreign) => `%20${foreign}`],
      ['with a NUL', (foreign) => `${foreign}%00`],
      ['with a quote', (foreign) => `${foreign}'--`],
      ['that is a word', () => 'first'],
    ];

    it.each(METHODS)('by %s looks like one to an id that no item has', async (method, body) => {
      const path = (id: number | string) => `/v1/watchlists/items/${id}`;
      const foreign = await send('another user', method, path(foreignId), body);
      expectProblem(foreign, 404, 'ITEM_NOT_FOUND');
      for (const [which, spell] of OTHER_IDS) {
        const other = await send('another user', method, path(spell(foreignId)), body);
        expect({ which, ...appearanceOf(other) }).toEqual({ which, ...appearanceOf(foreign) });
      }
    });

    it('looks like one to an item that was there until just now', async () => {
      const { itemId } = await addItemOf(owner);
      const path = `/v1/watchlists/items/${itemId}`;
      const before = await send('another user', 'GET', path);
      await owner.delete(path).expect(204);
      expect(appearanceOf(await send('another user', 'GET', path))).toEqual(appearanceOf(before));
      expect(appearanceOf(await owner.get(path))).toEqual(appearanceOf(before));
    });

    it('is not to be had by a bad PATCH either: whether the item is there is not told', async () => {
      const bad = { title: '' };
      const foreign = await send('another user', 'PATCH', `/v1/watchlists/items/${foreignId}`, bad);
      expectInvalid(foreign, 'title');
      const missing = await send('another user', 'PATCH', '/v1/watchlists/items/2147483647', bad);
      expect(appearanceOf(missing)).toEqual(appearanceOf(foreign));
    });
  });

  describe("to another user's list", () => {
    it.each<[string, string, string, ((id: number) => object) | undefined]>([
      ['in the query', 'GET', '/v1/watchlists?user_id=$', undefined],
      ['in the query by another name', 'GET', '/v1/watchlists?userId=$', undefined],
      ['in the query of a write', 'POST', '/v1/watchlists/items?user_id=$', item],
      ['in the body', 'POST', '/v1/watchlists/items', (id) => ({ ...item(), user_id: id })],
      ['in the body by another name', 'POST', '/v1/watchlists/items', (id) => ({ ...item(), userId: id })],
      ['in the body as an object', 'POST', '/v1/watchlists/items', (id) => ({ ...item(), user: { id } })],
    ])('is not to be had by naming them %s', async (_where, method, path, body) => {
      const response = await send(
        'another user',
        method,
        path.replace('$', String(owner.id)),
        body?.(owner.id),
      );
      expect(response.status).toBe(422);
    });

    it('is not to be had by naming them in a header', async () => {
      const me = await asUser(server);
      await addItemOf(owner);
      const response = await me
        .get('/v1/watchlists')
        .set({ 'x-user-id': String(owner.id), 'x-forwarded-user': owner.email, from: owner.email });
      expect(response.body).toMatchObject({ user: me.email, total: 0, watchlist: [] });
    });

    it('is not to be had by whoever asks next for the same page', async () => {
      await addItemOf(owner);
      const [mine, theirs] = [await asUser(server), await asUser(server)];
      const { body } = await owner.get('/v1/watchlists').expect(200);
      expect(body.watchlist).not.toEqual([]);
      for (const other of [mine, theirs])
        expect((await other.get('/v1/watchlists').expect(200)).body).toMatchObject({
          user: other.email,
          watchlist: [],
        });
    });
  });
});
