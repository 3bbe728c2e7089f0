import { createHmac } from 'node:crypto';
import { Not } from 'typeorm';
import { AUDIT_DELIVERY_DEFAULTS } from '../src/audit/audit-delivery.js';
import { AuditLog } from '../src/audit/audit-log.entity.js';
import { AuditRepository } from '../src/audit/audit.repository.js';
import { WEBHOOK_CLIENT_DEFAULTS } from '../src/audit/webhook.client.js';
import { type Actor, asAdmin, asUser } from './support/actors.js';
import { auditLogs } from './support/audit-trail.js';
import { createTestApp, type TestApp, type TestAppOptions } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { createStorage, stack, type Storage } from './support/stack.js';
import { type Delivery, WebhookReceiver, type WebhookReceiverMode } from './support/webhook-receiver.js';

const SECRET = 'a secret for tests of the webhook';
/** Shortens the delays of all servers that a test starts. */
function hurry({ timeoutMs = WEBHOOK_CLIENT_DEFAULTS.timeoutMs, longestRetryMs = 100 } = {}): void {
  jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS, 'pollMs', 25);
  jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS, 'firstRetryMs', 5);
  jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS, 'longestRetryMs', longestRetryMs);
  jest.replaceProperty(WEBHOOK_CLIENT_DEFAULTS, 'timeoutMs', timeoutMs);
}

const distinct = <T>(values: T[]) => [...new Set(values)];

describe('audit delivery', () => {
  let storage: Storage;
  let receiver: WebhookReceiver;
  /** Closed after each test. */
  const servers: TestApp[] = [];

  beforeEach(async () => {
    hurry();
    storage = await createStorage();
    receiver = await WebhookReceiver.start();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
    await receiver.close();
    await storage.remove();
    jest.restoreAllMocks();
  });

  /** One more server on this test's database. */
  async function start({ env = {} }: TestAppOptions = {}): Promise<TestApp> {
    const server = await createTestApp({
      storage,
      env: { AUDIT_WEBHOOK_URL: receiver.url, AUDIT_WEBHOOK_SECRET: SECRET, ...env },
    });
    servers.push(server);
    return server;
  }

  async function stop(server: TestApp): Promise<void> {
    servers.splice(servers.indexOf(server), 1);
    await server.close();
  }

  const withoutWebhook = { env: { AUDIT_WEBHOOK_URL: '', AUDIT_WEBHOOK_SECRET: '' } };

  async function add(owner: Actor, title = 'Parasite'): Promise<void> {
    await owner.post('/v1/watchlists/items', { title, type: 'movie' }).expect(201);
  }

  async function addMany(owner: Actor, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => add(owner, `Title ${index}`)));
  }

  const rowsOf = (server: TestApp) =>
    server.unitOfWork.read((manager) => manager.find(AuditLog, { order: { id: 'ASC' } }));
  const idsOf = async (server: TestApp) => (await rowsOf(server)).map(({ id }) => id);
  const dueOf = async (server: TestApp) =>
    (await rowsOf(server)).filter(({ deliveryDueAt }) => deliveryDueAt !== null).map(({ id }) => id);

  /** Waits until the receiver has acknowledged every row and no row is due. */
  async function everythingDelivered(server: TestApp): Promise<void> {
    await eventually(async () => expect(await dueOf(server)).toEqual([]));
    expect(distinct(receiver.acknowledged).sort((a, b) => a - b)).toEqual(await idsOf(server));
  }

  describe('an event', () => {
    let server: TestApp;
    let admin: Actor;
    beforeEach(async () => {
      server = await start();
      admin = await asAdmin(server);
    });

    it('equals the row in the audit log, and arrives once, in the order of the ids', async () => {
      const ada = await asUser(server);
      await add(ada, 'Amélie “Poulain” \u2028 🎬');
      await ada.post('/v1/auth/login', { email: ada.email, password: 'wrong' }).expect(401);
      await everythingDelivered(server);
      const { audit_logs } = await auditLogs(admin, { limit: 100 });
      expect(receiver.deliveries.map(({ event }) => event)).toEqual(audit_logs.reverse());
      expect(receiver.deliveries.map(({ event }) => event.action)).toEqual([
        'user.registered',
        'auth.login_succeeded',
        'user.role_changed',
        'user.registered',
        'auth.login_succeeded',
        'watchlist_item.created',
        'auth.login_failed',
      ]);
      expect(receiver.deliveries[5]!.event.changes['title']!.to).toBe('Amélie “Poulain” \u2028 🎬');
    });

    it('is sent as JSON, signed with the secret and the time', async () => {
      const earliest = Math.floor(Date.now() / 1000);
      await add(admin, 'Amélie 🎬');
      await everythingDelivered(server);
      for (const { method, path, headers, body } of receiver.deliveries) {
        expect([method, path]).toEqual(['POST', '/hook']);
        expect(headers['content-type']).toBe('application/json');
        expect(headers['authorization']).toBeUndefined();
        const [, seconds, code] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
          String(headers['x-watchlist-signature']),
        )!;
        expect(code).toBe(createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex'));
        expect(Number(seconds)).toBeLessThanOrEqual(Date.now() / 1000);
      }
      const last = String(receiver.deliveries.at(-1)!.headers['x-watchlist-signature']);
      expect(Number(/\d+/.exec(last)![0])).toBeGreaterThanOrEqual(earliest);
    });

    it('does not exist for a change that was rolled back', async () => {
      await admin.post('/v1/watchlists/items', { title: '', type: 'movie' }).expect(422);
      await admin.delete('/v1/watchlists/items/99').expect(404);
      await admin.patch(`/v1/admin/users/${admin.id}`, { role: 'user' }).expect(409);
      await add(admin);
      await everythingDelivered(server);
      expect(receiver.deliveries.map(({ event }) => event.action)).toEqual([
        'user.registered',
        'auth.login_succeeded',
        'user.role_changed',
        'watchlist_item.created',
      ]);
    });
  });

  describe('with a receiver that fails', () => {
    it.each<WebhookReceiverMode>(['server error', 'hang'])(
      'is retried until it succeeds: %s',
      async (mode) => {
        hurry({ timeoutMs: mode === 'hang' ? 500 : undefined });
        const triesOf = (id: number) => receiver.deliveries.filter(({ event }) => event.id === id);
        receiver.answer(({ id }) => (id === 1 && triesOf(1).length < 2 ? mode : 'ok'));
        const server = await start();
        await add(await asUser(server));
        await everythingDelivered(server);
        const [first, second, third] = triesOf(1) as [Delivery, Delivery, Delivery];
        expect([first, second, third].map((delivery) => delivery.mode)).toEqual([mode, mode, 'ok']);
        expect(third.body).toBe(first.body);
      },
    );

    it('loses no event while the receiver is down', async () => {
      const server = await start();
      const { port } = receiver;
      await receiver.close();
      await addMany(await asUser(server), 10);
      await eventually(async () =>
        expect((await rowsOf(server)).every(({ deliveryAttempts }) => deliveryAttempts >= 2)).toBe(true),
      );
      expect(await dueOf(server)).toEqual(await idsOf(server));
      receiver = await WebhookReceiver.start(port);
      await everythingDelivered(server);
    });

    it('delays no response', async () => {
      hurry({ timeoutMs: 60_000 });
      receiver.answer('hang');
      const server = await start();
      const ada = await asUser(server);
      await eventually(() => expect(receiver.deliveries).toHaveLength(1));
      await addMany(ada, 5);
      await ada.get('/v1/watchlists').expect(200);
      // The first request to the receiver still hangs.
      expect(receiver.deliveries).toHaveLength(1);
      expect(await dueOf(server)).toEqual(await idsOf(server));
      // Ends the request that hangs, so that the server can close.
      await receiver.close();
    });

    it('delivers later events while earlier ones keep failing', async () => {
      hurry({ timeoutMs: 50, longestRetryMs: 1 });
      receiver.answer(({ changes }) => (changes['title']?.to === 'Okja' ? 'ok' : 'hang'));
      const server = await start();
      const ada = await asUser(server);
      await addMany(ada, 5);
      await add(ada, 'Okja');
      const last = (await idsOf(server)).at(-1)!;
      await eventually(() => expect(receiver.acknowledged).toContain(last));
      await eventually(async () => expect(await dueOf(server)).not.toContain(last));
    });

    it('logs the event that failed, without the text of the receiver', async () => {
      receiver.answer(({ id }) => (id === 1 ? 'server error' : 'ok'));
      const server = await start();
      await asUser(server);
      const [line] = await eventually(() => {
        const found = server.logs.filter(({ context }) => context === 'AuditDelivery');
        expect(found.length).toBeGreaterThan(0);
        return found;
      });
      expect(line).toMatchObject({
        level: 'warn',
        msg: 'audit event 1 was not delivered: Request failed with status code 500',
      });
      expect(line).not.toHaveProperty('request_id');
    });
  });

  describe('after a restart', () => {
    it('delivers at once the events that were due or on their way', async () => {
      hurry({ timeoutMs: 500 });
      jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS, 'leaseMs', 3_600_000);
      receiver.answer('hang');
      const before = await start();
      await addMany(await asUser(before), 5);
      await eventually(() => expect(receiver.deliveries.length).toBeGreaterThan(1));
      await stop(before);
      receiver.answer('ok');
      await everythingDelivered(await start());
    });

    it('delivers the events that a killed process had leased, when the lease ends', async () => {
      const before = await start(withoutWebhook);
      await addMany(await asUser(before), 3);
      await before.unitOfWork.write((manager) =>
        manager.update(AuditLog, { action: Not('') }, { deliveryDueAt: new Date(Date.now() - 1000) }),
      );
      const { outbox } = before.app.get(AuditRepository, { strict: false });
      const claimed: unknown[] = [];
      for (let row = await outbox.claim(500); row !== null; row = await outbox.claim(500)) claimed.push(row);
      expect(claimed).toHaveLength(5);
      await stop(before);
      await everythingDelivered(await start());
    });

    it('sends no delivered event again', async () => {
      const before = await start();
      const ada = await asUser(before);
      await addMany(ada, 5);
      await everythingDelivered(before);
      await stop(before);
      const after = await start();
      await asUser(after);
      await everythingDelivered(after);
      // Concurrent changes can commit in another order than that of their ids.
      expect(receiver.acknowledged.toSorted((a, b) => a - b)).toEqual(await idsOf(after));
    });

    it('sends no event that was written while no URL was set', async () => {
      const before = await start(withoutWebhook);
      const ada = await asUser(before);
      await addMany(ada, 3);
      const unsent = await idsOf(before);
      expect(await dueOf(before)).toEqual([]);
      await stop(before);
      const after = await start();
      await asUser(after);
      await eventually(async () => expect(await dueOf(after)).toEqual([]));
      expect(unsent).toHaveLength(5);
      expect(receiver.acknowledged).toEqual((await idsOf(after)).slice(5));
    });
  });

  describe('at shutdown', () => {
    it('waits for the event that is on its way, but not for the whole backlog', async () => {
      hurry({ timeoutMs: 500 });
      receiver.answer('hang');
      const server = await start();
      await addMany(await asUser(server), 20);
      await eventually(() => expect(receiver.deliveries.length).toBeGreaterThanOrEqual(2));
      await stop(server);
      expect(receiver.deliveries.length).toBeLessThan(20);
      const after = await start(withoutWebhook);
      expect(await dueOf(after)).toEqual(await idsOf(after));
    });

    it('records every event that the receiver has acknowledged', async () => {
      const server = await start();
      const ada = await asUser(server);
      await addMany(ada, 5);
      await eventually(() => expect(receiver.acknowledged.length).toBeGreaterThan(0));
      await stop(server);
      const after = await start(withoutWebhook);
      const due = await dueOf(after);
      expect(due.filter((id) => receiver.acknowledged.includes(id))).toEqual([]);
      expect([...due, ...receiver.acknowledged].sort((a, b) => a - b)).toEqual(await idsOf(after));
    });
  });

  if (stack() === 'postgres+redis') {
    describe('with two servers on one database', () => {
      it('delivers the events of both, each event once', async () => {
        const [first, second] = [await start(), await start()];
        const [ada, bob] = [await asUser(first), await asUser(second)];
        await Promise.all([addMany(ada, 40), addMany(bob, 40)]);
        await everythingDelivered(first);
        expect(receiver.acknowledged.toSorted((a, b) => a - b)).toEqual(await idsOf(second));
      });
    });
  }

  describe('AUDIT_RETENTION_DAYS', () => {
    const DAY_MS = 86_400_000;

    async function writeRows(server: TestApp, count: number, occurredAt: Date): Promise<void> {
      const row = {
        occurredAt,
        actorId: null,
        actorEmail: null,
        action: 'watchlist_item.created',
        resourceType: 'watchlist_item',
        resourceId: 1,
        changes: {},
        requestId: 'old',
        address: null,
        deliveryDueAt: null,
        deliveryAttempts: 0,
      };
      await server.unitOfWork.write(async (manager) => {
        // SQLite limits the parameters of one statement.
        for (let left = count; left > 0; left -= 300) {
          const rows = Array.from({ length: Math.min(left, 300) }, () => ({ ...row }));
          await manager.insert(AuditLog, rows);
        }
      });
    }
    const ageInDays = (days: number) => new Date(Date.now() - days * DAY_MS);

    it('deletes all older rows, in several batches, and no other rows', async () => {
      const before = await start(withoutWebhook);
      await writeRows(before, 1203, ageInDays(30.01));
      await writeRows(before, 2, ageInDays(29.99));
      await asUser(before);
      const kept = (await idsOf(before)).slice(1203);
      expect(kept).toHaveLength(4);
      await stop(before);
      const after = await start({ env: { ...withoutWebhook.env, AUDIT_RETENTION_DAYS: '30' } });
      await eventually(async () => expect(await idsOf(after)).toEqual(kept));
    });

    it('deletes nothing when it is 0', async () => {
      jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS.cleanup, 'intervalMs', 25);
      const server = await start({ env: { AUDIT_RETENTION_DAYS: '0' } });
      await writeRows(server, 3, new Date(0));
      await add(await asUser(server));
      await everythingDeliveredOf(server, 3);
      expect(await idsOf(server)).toHaveLength(6);
    });

    async function everythingDeliveredOf(server: TestApp, count: number): Promise<void> {
      await eventually(async () => expect(await dueOf(server)).toEqual([]));
      expect(receiver.acknowledged).toHaveLength(count);
    }
  });

  it('stops the boot without a secret, and names the variable', async () => {
    const booting = start({ env: { AUDIT_WEBHOOK_SECRET: '' } });
    await expect(booting).rejects.toThrow('AUDIT_WEBHOOK_SECRET is required with AUDIT_WEBHOOK_URL');
  });
});
