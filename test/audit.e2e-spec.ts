import { randomBytes } from 'node:crypto';
import type { Test } from 'supertest';
import { AuditLog } from '../src/audit/audit-log.entity.js';
import type { AuditEvent } from '../src/audit/audit-event.js';
import { AuditService } from '../src/audit/audit.service.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail, signIn } from './support/actors.js';
import { auditLogs, rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp, type TestAppOptions } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { stack } from './support/stack.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const WRONG_PASSWORD = 'incorrect donkey battery staple';
const CREATED = { title: { from: null, to: 'Parasite' }, type: { from: null, to: 'movie' } };

/** Every server of this file: what they log must be fit to be seen. */
const servers: TestApp[] = [];

async function start(options?: TestAppOptions): Promise<TestApp> {
  const server = await createTestApp(options);
  servers.push(server);
  return server;
}

/** Nest has one logger for the process: with several servers in it, what one says may stand in another's log. */
const linesOf = (msg: string) => servers.flatMap(({ logs }) => logs).filter((line) => line['msg'] === msg);

const newRequestId = () => `test-${randomBytes(8).toString('hex')}`;

async function add(owner: Actor, title = 'Parasite'): Promise<number> {
  const { body } = await owner.post('/v1/watchlists/items', { title, type: 'movie' }).expect(201);
  return (body as { item: { id: number } }).item.id;
}

const login = (server: TestApp, email: string, password = PASSWORD) =>
  server.request().post('/v1/auth/login').send({ email, password });
const register = (server: TestApp, email: string) =>
  server.request().post('/v1/auth/register').send({ email, password: PASSWORD });

describe('the audit log', () => {
  let server: TestApp;
  let admin: Actor;
  beforeAll(async () => {
    server = await start();
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());

  describe('has one row for each change', () => {
    /** Does one thing with a request id of its own; its one row must say who, what, whence and by which request. */
    async function expectRow(
      act: Test,
      status: number,
      expected: Omit<AuditEvent, 'id' | 'occurred_at' | 'request_id' | 'address'>,
    ): Promise<void> {
      const requestId = newRequestId();
      const earliest = Date.now();
      const rows = await rowsLeftBy(admin, () => act.set('x-request-id', requestId).expect(status));
      expect(rows).toEqual([
        {
          ...expected,
          id: expect.any(Number),
          occurred_at: expect.any(String),
          request_id: requestId,
          address: '127.0.0.1',
        },
      ]);
      const occurredAt = Date.parse(rows[0]!.occurred_at);
      expect(occurredAt).toBeGreaterThanOrEqual(earliest);
      expect(occurredAt).toBeLessThanOrEqual(Date.now());
    }

    const by = ({ id, email }: Pick<Actor, 'id' | 'email'>) => ({ actor_id: id, actor_email: email });
    const toItem = (id: number) => ({ resource_type: 'watchlist_item', resource_id: id });
    const toUser = (id: number | null) => ({ resource_type: 'user', resource_id: id });

    it('registering', async () => {
      const email = randomEmail();
      const before = await asUser(server);
      const ada = { id: before.id + 1, email };
      await expectRow(register(server, ` ${email.toUpperCase()} `), 201, {
        ...by(ada),
        ...toUser(ada.id),
        action: 'user.registered',
        changes: { email: { from: null, to: email }, role: { from: null, to: 'user' } },
      });
      await login(server, email).expect(200);
    });

    it('signing in', async () => {
      const ada = await asUser(server);
      await expectRow(login(server, ada.email), 200, {
        ...by(ada),
        ...toUser(ada.id),
        action: 'auth.login_succeeded',
        changes: {},
      });
    });

    it.each<[what: string, tried: (ada: Actor) => string, email: (ada: Actor) => string | null]>([
      ['a wrong password', ({ email }) => email, ({ email }) => email],
      ['a wrong password and capitals', ({ email }) => ` ${email.toUpperCase()}`, ({ email }) => email],
    ])('not getting in with %s: nobody did it, to a known user', async (_what, tried, email) => {
      const ada = await asUser(server);
      await expectRow(login(server, tried(ada), WRONG_PASSWORD), 401, {
        actor_id: null,
        actor_email: email(ada),
        ...toUser(ada.id),
        action: 'auth.login_failed',
        changes: {},
      });
    });

    it('not getting in because one is disabled', async () => {
      const ada = await asUser(server);
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: true }).expect(200);
      await expectRow(login(server, ada.email), 401, {
        actor_id: null,
        actor_email: ada.email,
        ...toUser(ada.id),
        action: 'auth.login_failed',
        changes: {},
      });
    });

    it.each<[what: string, tried: string, email: string | null]>([
      ['an unknown address', 'nobody@example.com', 'nobody@example.com'],
      ['an unknown address in capitals', 'NOBODY@EXAMPLE.COM', 'nobody@example.com'],
      ['a name', 'nobody', null],
      ['two addresses', 'a@example.com,b@example.com', null],
      ['an address with a line break', 'a\nb@example.com', null],
      ['a password in the wrong field', PASSWORD, null],
      ['an endless address', `${'x'.repeat(300)}@example.com`, null],
    ])('not getting in with %s: the address is kept if it is one', async (_what, tried, email) => {
      await expectRow(login(server, tried, WRONG_PASSWORD), 401, {
        actor_id: null,
        actor_email: email,
        ...toUser(null),
        action: 'auth.login_failed',
        changes: {},
      });
    });

    it('adding an item', async () => {
      const ada = await asUser(server);
      const before = await add(ada);
      await expectRow(ada.post('/v1/watchlists/items', { title: ' Café\u0301 ', type: 'show' }), 201, {
        ...by(ada),
        ...toItem(before + 1),
        action: 'watchlist_item.created',
        changes: { title: { from: null, to: 'Café\u0301' }, type: { from: null, to: 'show' } },
      });
    });

    it.each<[what: string, change: object, changes: AuditEvent['changes']]>([
      ['the title', { title: 'Okja' }, { title: { from: 'Parasite', to: 'Okja' } }],
      ['the type', { type: 'show' }, { type: { from: 'movie', to: 'show' } }],
      [
        'the type, the title being the same',
        { title: 'Parasite', type: 'show' },
        { type: { from: 'movie', to: 'show' } },
      ],
      [
        'both',
        { title: 'Okja', type: 'show' },
        { title: { from: 'Parasite', to: 'Okja' }, type: { from: 'movie', to: 'show' } },
      ],
    ])('changing an item: %s, and not what stays', async (_what, change, changes) => {
      const ada = await asUser(server);
      const id = await add(ada);
      await expectRow(ada.patch(`/v1/watchlists/items/${id}`, change), 200, {
        ...by(ada),
        ...toItem(id),
        action: 'watchlist_item.updated',
        changes,
      });
    });

    it('deleting an item', async () => {
      const ada = await asUser(server);
      const id = await add(ada);
      await expectRow(ada.delete(`/v1/watchlists/items/${id}`), 204, {
        ...by(ada),
        ...toItem(id),
        action: 'watchlist_item.deleted',
        changes: { title: { from: 'Parasite', to: null }, type: { from: 'movie', to: null } },
      });
    });

    it.each<[action: string, first: object | undefined, change: object, changes: AuditEvent['changes']]>([
      ['user.role_changed', undefined, { role: 'admin' }, { role: { from: 'user', to: 'admin' } }],
      ['user.role_changed', { role: 'admin' }, { role: 'user' }, { role: { from: 'admin', to: 'user' } }],
      ['user.disabled', undefined, { disabled: true }, { disabled: { from: false, to: true } }],
      ['user.enabled', { disabled: true }, { disabled: false }, { disabled: { from: true, to: false } }],
    ])('%s: %#', async (action, first, change, changes) => {
      const ada = await asUser(server);
      if (first) await admin.patch(`/v1/admin/users/${ada.id}`, first).expect(200);
      await expectRow(admin.patch(`/v1/admin/users/${ada.id}`, change), 200, {
        ...by(admin),
        ...toUser(ada.id),
        action,
        changes,
      });
    });

    it('what an admin does on a list of somebody else: the admin did it', async () => {
      const ada = await asUser(server);
      const id = (await add(ada)) + 1;
      const item = { ...by(admin), ...toItem(id) };
      const fields = { user_id: ada.id, title: 'Parasite', type: 'movie' };
      await expectRow(admin.post('/v1/admin/watchlists/items', fields), 201, {
        ...item,
        action: 'watchlist_item.created',
        changes: CREATED,
      });
      await expectRow(admin.patch(`/v1/admin/watchlists/items/${id}`, { title: 'Okja' }), 200, {
        ...item,
        action: 'watchlist_item.updated',
        changes: { title: { from: 'Parasite', to: 'Okja' } },
      });
      await expectRow(admin.delete(`/v1/admin/watchlists/items/${id}`), 204, {
        ...item,
        action: 'watchlist_item.deleted',
        changes: { title: { from: 'Okja', to: null }, type: { from: 'movie', to: null } },
      });
    });

    it('each of twenty at once', async () => {
      const ada = await asUser(server);
      const requestIds = Array.from({ length: 20 }, newRequestId);
      const rows = await rowsLeftBy(admin, () =>
        Promise.all(
          requestIds.map((id) =>
            ada
              .post('/v1/watchlists/items', { title: id, type: 'movie' })
              .set('x-request-id', id)
              .expect(201),
          ),
        ),
      );
      expect(rows.map(({ request_id }) => request_id).sort()).toEqual(requestIds.sort());
      for (const { request_id, changes } of rows) expect(changes['title']!.to).toBe(request_id);
      expect(new Set(rows.map(({ resource_id }) => resource_id)).size).toBe(20);
    });

    it('the first admin, whom nobody asked for', async () => {
      const email = randomEmail('root');
      const fresh = await start({ env: { ADMIN_EMAIL: email, ADMIN_PASSWORD: PASSWORD } });
      try {
        const root = actingOn(fresh, { id: 1, email, token: await signIn(fresh, email) });
        expect((await auditLogs(root, { action: 'user.registered' })).audit_logs).toEqual([
          {
            ...by(root),
            ...toUser(1),
            id: 1,
            occurred_at: expect.any(String),
            action: 'user.registered',
            changes: { email: { from: null, to: email }, role: { from: null, to: 'admin' } },
            request_id: null,
            address: null,
          },
        ]);
      } finally {
        await fresh.close();
      }
    });
  });

  describe('has no row for', () => {
    const noChanges: [
      what: string,
      act: (ada: Actor, id: number) => PromiseLike<{ status: number }>,
      status: number,
    ][] = [
      [
        'a change to what is so already',
        (ada, id) => ada.patch(`/v1/watchlists/items/${id}`, { title: 'Parasite' }),
        200,
      ],
      ['looking', (ada, id) => ada.get(`/v1/watchlists/items/${id}`), 200],
      ['what is not acceptable', (ada) => ada.post('/v1/watchlists/items', { title: '' }), 422],
      ['what is not there', (ada, id) => ada.delete(`/v1/watchlists/items/${id + 100_000}`), 404],
      ["somebody else's item", (_ada, id) => admin.delete(`/v1/watchlists/items/${id}`), 404],
      ['what is for admins', (ada) => ada.patch(`/v1/admin/users/${ada.id}`, { role: 'admin' }), 403],
      ['an address that is taken', (ada) => register(server, ada.email), 409],
      ['a login that is not one', (ada) => login(server, ada.email, ''), 422],
    ];
    it.each(noChanges)('%s', async (_what, act, status) => {
      const ada = await asUser(server);
      const id = await add(ada);
      const rows = await rowsLeftBy(admin, async () => expect((await act(ada, id)).status).toBe(status));
      expect(rows).toEqual([]);
    });
  });

  describe('knows a request', () => {
    it.each<[what: string, sent: string | undefined]>([
      ['by a new id when it brings none', undefined],
      ['by a new id when it brings one that could do harm', 'a b"c'],
      ['by a new id when it brings one that is too long', 'x'.repeat(129)],
    ])('%s', async (_what, sent) => {
      const ada = await asUser(server);
      let answered: string | undefined;
      const rows = await rowsLeftBy(admin, async () => {
        const adding = ada.post('/v1/watchlists/items', { title: 'Parasite', type: 'movie' });
        if (sent !== undefined) adding.set('x-request-id', sent);
        answered = (await adding.expect(201)).headers['x-request-id'];
      });
      expect(answered).toMatch(UUID);
      expect(rows).toMatchObject([{ request_id: answered }]);
    });

    describe('by the address', () => {
      const addressOf = async (on: TestApp, header: Record<string, string>) => {
        const tried = randomEmail('nobody');
        await login(on, tried).set(header).expect(401);
        const { rows } = await on.app
          .get(AuditService, { strict: false })
          .findPage({ skip: 0, limit: 1, action: 'auth.login_failed' });
        expect(rows).toMatchObject([{ actorEmail: tried }]);
        return rows[0]!.address;
      };

      it('of its socket, whatever it says itself', async () => {
        expect(await addressOf(server, { 'x-forwarded-for': '203.0.113.7' })).toBe('127.0.0.1');
        expect(await addressOf(server, { forwarded: 'for=203.0.113.7' })).toBe('127.0.0.1');
      });

      describe('that a trusted proxy states', () => {
        let behindProxy: TestApp;
        beforeAll(async () => {
          behindProxy = await start({ env: { TRUST_PROXY: 'loopback' } });
        });
        afterAll(() => behindProxy.close());

        it.each<[stated: string, address: string | null]>([
          ['203.0.113.7', '203.0.113.7'],
          ['198.51.100.1, 203.0.113.7', '203.0.113.7'],
          ['2001:db8::7', '2001:db8::7'],
          ['ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255'],
          ['fe80::7%eth0', 'fe80::7'],
          ['unknown', null],
          ['_hidden', null],
          ['x'.repeat(200), null],
        ])('%s', async (stated, address) => {
          expect(await addressOf(behindProxy, { 'x-forwarded-for': stated })).toBe(address);
        });
      });
    });
  });

  describe('and the change', () => {
    /** While the table is away, every audit row that is to be written fails. */
    async function withoutAuditTable(during: () => Promise<void>): Promise<void> {
      const rename = (from: string, to: string) =>
        server.unitOfWork.write((manager) => manager.query(`ALTER TABLE ${from} RENAME TO ${to}`));
      await rename('audit_logs', 'audit_logs_away');
      try {
        await during();
      } finally {
        await rename('audit_logs_away', 'audit_logs');
      }
    }

    /** While the trigger is there, every change of a user fails, after its audit row has been written. */
    async function withUsersFrozen(during: () => Promise<void>): Promise<void> {
      const run = (...statements: string[]) =>
        server.unitOfWork.write(async (manager) => {
          for (const statement of statements) await manager.query(statement);
        });
      const postgres = stack() === 'postgres+redis';
      await (postgres
        ? run(
            `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'frozen'; END $$`,
            'CREATE TRIGGER frozen BEFORE UPDATE OF disabled ON users EXECUTE FUNCTION refuse()',
          )
        : run(
            `CREATE TRIGGER frozen BEFORE UPDATE OF disabled ON users BEGIN SELECT RAISE(ABORT, 'frozen'); END`,
          ));
      try {
        await during();
      } finally {
        await (postgres ? run('DROP FUNCTION refuse CASCADE') : run('DROP TRIGGER frozen'));
      }
    }

    const listOf = async (owner: Actor) => {
      const { body, headers } = await owner.get('/v1/watchlists').expect(200);
      return { body: body as object, etag: headers['etag'] };
    };

    it('of an item: without its row there is none', async () => {
      const ada = await asUser(server);
      const id = await add(ada);
      const before = await listOf(ada);
      const rows = await rowsLeftBy(admin, () =>
        withoutAuditTable(async () => {
          expectProblem(
            await ada.post('/v1/watchlists/items', { title: 'Okja', type: 'movie' }),
            500,
            'INTERNAL',
          );
          expectProblem(await ada.patch(`/v1/watchlists/items/${id}`, { title: 'Okja' }), 500, 'INTERNAL');
          expectProblem(await ada.delete(`/v1/watchlists/items/${id}`), 500, 'INTERNAL');
        }),
      );
      expect(await listOf(ada)).toEqual(before);
      expect(rows).toEqual([]);
    });

    it('of a user: without its row there is none', async () => {
      const ada = await asUser(server);
      const email = randomEmail();
      await withoutAuditTable(async () => {
        expectProblem(await register(server, email), 500, 'INTERNAL');
        expectProblem(await admin.patch(`/v1/admin/users/${ada.id}`, { role: 'admin' }), 500, 'INTERNAL');
        expectProblem(await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: true }), 500, 'INTERNAL');
        expectProblem(await login(server, ada.email), 500, 'INTERNAL');
      });
      expectProblem(await login(server, email), 401, 'INVALID_CREDENTIALS');
      expect((await ada.get('/v1/auth/me').expect(200)).body).toMatchObject({ role: 'user' });
    });

    it('that fails: there is no row of it, and no line in the log', async () => {
      const ada = await asUser(server);
      const requestId = newRequestId();
      const rows = await rowsLeftBy(admin, () =>
        withUsersFrozen(async () =>
          expectProblem(
            await admin
              .patch(`/v1/admin/users/${ada.id}`, { role: 'admin', disabled: true })
              .set('x-request-id', requestId),
            500,
            'INTERNAL',
          ),
        ),
      );
      expect(rows).toEqual([]);
      expect((await ada.get('/v1/auth/me').expect(200)).body).toMatchObject({ role: 'user' });
      // What comes after has its line: the other one would be there by now.
      await ada
        .post('/v1/watchlists/items', { title: 'Okja', type: 'movie' })
        .set('x-request-id', `${requestId}-after`);
      await eventually(() => expect(auditLinesOf(`${requestId}-after`)).toHaveLength(1));
      expect(auditLinesOf(requestId)).toEqual([]);
    });
  });

  const auditLinesOf = (requestId: string) =>
    linesOf('audit').filter((line) => line['request_id'] === requestId);

  describe('is told to the log of the process', () => {
    it('in one line for each row, by ids and without addresses', async () => {
      const requestId = newRequestId();
      const ada = await asUser(server);
      const rows = await rowsLeftBy(admin, async () => {
        for (const act of [
          login(server, ada.email),
          login(server, ada.email, WRONG_PASSWORD),
          login(server, 'nobody@example.com'),
          ada.post('/v1/watchlists/items', { title: 'Parasite', type: 'movie' }),
          admin.patch(`/v1/admin/users/${ada.id}`, { role: 'admin', disabled: true }),
        ]) {
          await act.set('x-request-id', requestId);
        }
      });
      expect(rows).toHaveLength(6);
      const lines = await eventually(() => {
        const found = auditLinesOf(requestId);
        expect(found).toHaveLength(rows.length);
        return found;
      });
      const told = lines.map(({ time: _time, pid: _pid, hostname: _hostname, ...line }) => line);
      const level = told[0]!['level'];
      expect(told.sort((a, b) => Number(b['audit_id']) - Number(a['audit_id']))).toEqual(
        rows.map(({ id, action, actor_id, resource_type, resource_id, request_id }) => ({
          level,
          context: 'Audit',
          msg: 'audit',
          audit_id: id,
          action,
          actor_id,
          resource_type,
          resource_id,
          request_id,
        })),
      );
    });
  });

  describe('GET /v1/admin/audit-logs', () => {
    let everything: AuditEvent[];
    /** Of other years, so that nothing that happens now gets between them; and not in the order of their ids. */
    const TIMES = [
      '2020-01-01T00:00:00.000Z',
      '2021-06-15T12:00:00.000Z',
      '2021-06-15T12:00:00.001Z',
      '2019-03-31T23:59:59.999Z',
    ];
    let history: TestApp;
    let reader: Actor;

    beforeAll(async () => {
      history = await start();
      reader = await asAdmin(history);
      const row = (index: number, occurredAt: string) => ({
        occurredAt: new Date(occurredAt),
        actorId: index % 3 === 0 ? null : 900 + (index % 3),
        actorEmail: index % 3 === 0 ? null : `old-${index % 3}@example.com`,
        action: index % 2 === 0 ? 'watchlist_item.created' : 'user.disabled',
        resourceType: index % 2 === 0 ? 'watchlist_item' : 'user',
        resourceId: 700 + (index % 5),
        changes: { title: { from: null, to: `title ${index}` } },
        requestId: `old-${index}`,
        address: '203.0.113.7',
        deliveryDueAt: null,
        deliveryAttempts: 0,
      });
      await history.unitOfWork.write(async (manager) => {
        for (let index = 0; index < 24; index++)
          await manager.insert(AuditLog, row(index, TIMES[index % 4]!) as object);
      });
      everything = (await auditLogs(reader, { limit: 100 })).audit_logs;
    });
    afterAll(() => history.close());

    const idsOf = (rows: AuditEvent[]) => rows.map(({ id }) => id);

    it('shows rows whole, newest first by id, whatever their times', async () => {
      expect(everything.length).toBeGreaterThan(24);
      expect(idsOf(everything)).toEqual(idsOf(everything).toSorted((a, b) => b - a));
      expect(everything[0]).toEqual({
        id: expect.any(Number),
        occurred_at: '2019-03-31T23:59:59.999Z',
        actor_id: 902,
        actor_email: 'old-2@example.com',
        action: 'user.disabled',
        resource_type: 'user',
        resource_id: 703,
        changes: { title: { from: null, to: 'title 23' } },
        request_id: 'old-23',
        address: '203.0.113.7',
      });
    });

    it('shows ten at a time unless told otherwise', async () => {
      expect(await auditLogs(reader)).toEqual({
        skip: 0,
        limit: 10,
        total: everything.length,
        audit_logs: everything.slice(0, 10),
      });
    });

    it('pages through everything without overlap', async () => {
      const pages: number[][] = [];
      for (let skip = 0; skip < everything.length + 7; skip += 7) {
        const page = await auditLogs(reader, { skip, limit: 7 });
        expect(page).toMatchObject({ skip, limit: 7, total: everything.length });
        pages.push(idsOf(page.audit_logs));
      }
      expect(pages.flat()).toEqual(idsOf(everything));
      expect(pages.at(-1)).toEqual([]);
    });

    type Filter = Record<string, string | number>;
    /** What the filters mean, said once more. */
    const matches = (filter: Filter) => (row: AuditEvent) =>
      Object.entries(filter).every(([name, value]) => {
        if (name === 'from') return Date.parse(row.occurred_at) >= Date.parse(String(value));
        if (name === 'to') return Date.parse(row.occurred_at) < Date.parse(String(value));
        return row[name as keyof AuditEvent] === value;
      });

    it.each<[filter: Filter, found: number]>([
      [{ actor_id: 901 }, 8],
      [{ resource_id: 700 }, 5],
      [{ resource_type: 'watchlist_item' }, 12],
      [{ action: 'watchlist_item.created' }, 12],
      [{ action: 'user.disabled' }, 12],
      [{ to: '2020-01-01T00:00:00.000Z' }, 6],
      [{ to: '2020-01-01T00:00:00.001Z' }, 12],
      [{ from: '2020-01-01T00:00:00Z', to: '2021-06-15T12:00:00Z' }, 6],
      [{ from: '2020-01-01T00:00:00.001Z', to: '2021-06-15T12:00:00Z' }, 0],
      [{ from: '2021-06-15T12:00:00Z', to: '2021-06-15T12:00:00.001Z' }, 6],
      [{ from: '2021-06-15T12:00:00Z', to: '2021-06-15T12:00:00Z' }, 0],
      [{ from: '2021-06-15T12:00:00.001Z', to: '2021-06-15T12:00:00.002Z' }, 6],
      [{ from: '2021-06-15T14:00:00+02:00', to: '2021-06-15T07:00:00.001-05:00' }, 6],
      [{ from: '2022-01-01T00:00:00Z', to: '2020-01-01T00:00:00Z' }, 0],
      [{ from: '2019-01-01T00:00:00Z', to: '2022-01-01T00:00:00Z', actor_id: 902 }, 8],
      [{ actor_id: 901, action: 'user.disabled' }, 4],
      [{ resource_type: 'user', resource_id: 701 }, 3],
      [{ resource_type: 'watchlist_item', resource_id: 704, actor_id: 901 }, 1],
      [{ action: 'user.disabled', resource_type: 'watchlist_item' }, 0],
      [
        {
          actor_id: 902,
          action: 'watchlist_item.created',
          resource_type: 'watchlist_item',
          resource_id: 702,
          from: '2020-01-01T00:00:00Z',
          to: '2021-06-15T12:00:00.002Z',
        },
        1,
      ],
      [{ actor_id: 999 }, 0],
    ])('finds exactly what matches %j', async (filter, found) => {
      const page = await auditLogs(reader, { ...filter, limit: 100 });
      expect(idsOf(page.audit_logs)).toEqual(idsOf(everything.filter(matches(filter))));
      expect(page.total).toBe(found);
      const second = await auditLogs(reader, { ...filter, skip: 1, limit: 1 });
      expect(second).toMatchObject({ total: found, audit_logs: page.audit_logs.slice(1, 2) });
    });

    it('takes a time that is finer than a millisecond at its word', async () => {
      const window = { from: '2021-06-15T12:00:00.000001Z', to: '2021-06-15T12:00:00.001001Z' };
      const { audit_logs } = await auditLogs(reader, { ...window, limit: 100 });
      expect(new Set(audit_logs.map(({ occurred_at }) => occurred_at))).toEqual(
        new Set(['2021-06-15T12:00:00.001Z']),
      );
    });

    it.each<[query: string, field: string]>([
      ...['actor_id', 'resource_id'].flatMap((name) =>
        ['', '0', '-1', '1.5', '1e1', '0x10', '%2B1', '01', 'abc', 'null', '2147483648'].map(
          (value): [string, string] => [`${name}=${value}`, name],
        ),
      ),
      ['actor_id=1&actor_id=2', 'actor_id'],
      ['action=', 'action'],
      ['action=watchlist_item', 'action'],
      ['action=user.%25', 'action'],
      ['action=USER.DISABLED', 'action'],
      ['action=user.disabled&action=user.enabled', 'action'],
      ['resource_type=', 'resource_type'],
      ['resource_type=item', 'resource_type'],
      ['resource_type=user&resource_type=user', 'resource_type'],
      ...['from', 'to'].flatMap((name) =>
        [
          '',
          'yesterday',
          '1795422600',
          '2026-11-23',
          '2026-11-23T08:30:00',
          '2026-11-23T08:30:00+01:00',
          '2026-11-23%2008:30:00Z',
          '2026-02-30T00:00:00Z',
          '2026-02-29T00:00:00Z',
          '2026-13-01T00:00:00Z',
          '2026-11-23T24:00:00Z',
          '2026-11-23T08:60:00Z',
          '0000-01-01T00:00:00%2B01:00',
          '%2B012026-11-23T08:30:00Z',
        ].map((value): [string, string] => [`${name}=${value}`, name]),
      ),
      ['from=2026-11-23T08:30:00Z&from=2026-11-23T08:30:00Z', 'from'],
      ['skip=-1', 'skip'],
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['actor=1', 'actor'],
      ['actor_email=old-1@example.com', 'actor_email'],
      ['request_id=old-1', 'request_id'],
      ['sort=created_at_asc', 'sort'],
    ])('refuses ?%s', async (query, field) => {
      expectInvalid(await reader.get(`/v1/admin/audit-logs?${query}`), field);
    });

    it('names every field that is wrong', async () => {
      expectInvalid(
        await reader.get(
          '/v1/admin/audit-logs?actor_id=x&action=x&resource_type=x&resource_id=x&from=x&to=x&x=x',
        ),
        'action',
        'actor_id',
        'from',
        'resource_id',
        'resource_type',
        'to',
        'x',
      );
    });
  });

  describe('and all other logs', () => {
    it('hold no password, token, hash, e-mail address or header, whatever happens', async () => {
      const webhookless = 'http://127.0.0.1:9/hook';
      const talkative = await start({
        env: {
          LOG_LEVEL: 'trace',
          NODE_ENV: 'production',
          ADMIN_EMAIL: randomEmail('root'),
          ADMIN_PASSWORD: PASSWORD,
          AUDIT_WEBHOOK_URL: webhookless,
          AUDIT_WEBHOOK_SECRET: 'webhook secret, sixteen or more',
        },
      });
      try {
        const ada = await asUser(talkative);
        await login(talkative, ada.email, WRONG_PASSWORD).expect(401);
        await register(talkative, ada.email).expect(409);
        await register(talkative, 'not an address').expect(422);
        await ada.get(`/v1/watchlists?query=${ada.email}`).expect(422);
        await ada.get(`/v1/watchlists?q=${ada.email}`).expect(200);
        await ada.get(`/v1/users/${ada.email}`).expect(404);
        await ada.get(`/v1/admin/users?q=${ada.email}`).expect(403);
        await talkative.request().get('/v1/auth/me').set('authorization', `Bearer ${ada.token}x`).expect(401);
        await talkative.request().get(`/v1/auth/me?access_token=${ada.token}`).expect(401);
        await talkative.request().get('/v1/auth/me').set('x-forwarded-for', '203.0.113.7').expect(401);
        await talkative
          .request()
          .post('/v1/auth/login')
          .type('json')
          .send(`{"email":"${ada.email}",`)
          .expect(400);
        const rename = (from: string, to: string) =>
          talkative.unitOfWork.write((manager) => manager.query(`ALTER TABLE ${from} RENAME TO ${to}`));
        for (const table of ['audit_logs', 'users']) {
          await rename(table, 'away');
          await register(talkative, randomEmail()).expect(500);
          await login(talkative, ada.email).expect(500);
          await ada.post('/v1/watchlists/items', { title: 'Parasite', type: 'movie' }).expect(500);
          await rename('away', table);
        }
        await eventually(() =>
          expect(JSON.stringify(talkative.logs)).toMatch(/audit event \d+ was not delivered/),
        );
      } finally {
        await talkative.close();
      }
      const lines = servers.flatMap(({ logs }) => logs).map((line) => JSON.stringify(line));
      expect(lines.filter((line) => line.includes('"msg":"request failed"')).length).toBeGreaterThanOrEqual(
        6,
      );
      for (const [what, pattern] of Object.entries({
        password: /correct (horse|donkey)|battery staple/i,
        hash: /\$2[aby]\$|v[01]\$/,
        token: /eyJ[\w-]{10,}/,
        header: /\bbearer\b|authorization/i,
        secret: /webhook secret|bXlzZWNyZXQ/,
        address: /[\w.%+-]+(@|%40|\\u0040)[\w-]+\.\w+/i,
      })) {
        expect({ what, lines: lines.filter((line) => pattern.test(line)) }).toEqual({ what, lines: [] });
      }
    });
  });
});
