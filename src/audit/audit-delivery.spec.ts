import { HttpService } from '@nestjs/axios';
import { Logger } from '@nestjs/common';
import { createSqlite, type Storage } from '../../test/support/stack.js';
import { eventually } from '../../test/support/eventually.js';
import { WebhookReceiver } from '../../test/support/webhook-receiver.js';
import { type Env, parseEnv } from '../config/env.js';
import { openDatabase } from '../database/database.module.js';
import { SCHEMA } from '../schema.js';
import type { UnitOfWork } from '../database/unit-of-work.js';
import { AUDIT_DELIVERY_DEFAULTS, AuditDelivery, type AuditDeliveryOptions } from './audit-delivery.js';
import { AuditLog } from './audit-log.entity.js';
import { AuditRepository } from './audit.repository.js';
import { WEBHOOK_CLIENT_DEFAULTS, WebhookClient } from './webhook.client.js';

const DAY_MS = 86_400_000;
/** Nothing happens by itself: a test nudges. */
const BY_HAND = { ...AUDIT_DELIVERY_DEFAULTS, pollMs: 3_600_000 };

describe(AuditDelivery.name, () => {
  let storage: Storage;
  let env: Env;
  let unitOfWork: UnitOfWork;
  let logs: AuditRepository;
  let receiver: WebhookReceiver;
  let warnings: jest.SpyInstance;
  const deliveries: AuditDelivery[] = [];

  beforeEach(async () => {
    Logger.overrideLogger(false);
    warnings = jest.spyOn(Logger.prototype, 'warn');
    receiver = await WebhookReceiver.start();
    storage = await createSqlite();
    env = parseEnv({
      ...storage.env,
      JWT_SECRET: 'bXlzZWNyZXQtZm9yLXRlc3RzLW9ubHktMTIzNDU2Nzg5MA',
      AUDIT_WEBHOOK_URL: receiver.url,
      AUDIT_WEBHOOK_SECRET: 'a secret for tests of the webhook',
    });
    unitOfWork = await openDatabase(env.DATABASE_URL, SCHEMA);
    logs = new AuditRepository(unitOfWork);
  });
  afterEach(async () => {
    for (const delivery of deliveries.splice(0)) await delivery.onApplicationShutdown();
    await unitOfWork.close();
    await receiver.close();
    await storage.remove();
    jest.restoreAllMocks();
  });

  function deliveryWith(
    options: Partial<AuditDeliveryOptions> = {},
    change: Partial<Env> = {},
  ): AuditDelivery {
    const client = new WebhookClient(new HttpService(), env, WEBHOOK_CLIENT_DEFAULTS);
    const delivery = new AuditDelivery(logs, client, { ...env, ...change }, { ...BY_HAND, ...options }, null);
    deliveries.push(delivery);
    return delivery;
  }

  const insert = async (row: Partial<AuditLog> = {}) => ({
    id: await logs.insert({
      occurredAt: new Date(),
      actorId: 1,
      actorEmail: 'ada@example.com',
      action: 'watchlist_item.created',
      resourceType: 'watchlist_item',
      resourceId: 1,
      changes: {},
      requestId: 'test',
      address: null,
      deliveryDueAt: new Date(),
      deliveryAttempts: 0,
      traceparent: null,
      ...row,
    }),
  });
  const rows = () => unitOfWork.read((manager) => manager.find(AuditLog, { order: { id: 'ASC' } }));
  /** Nothing can be written or read until `during` has ended. */
  async function withoutTable(during: () => Promise<void>): Promise<void> {
    const rename = (from: string, to: string) =>
      unitOfWork.write((manager) => manager.query(`ALTER TABLE ${from} RENAME TO ${to}`));
    await rename('audit_logs', 'away');
    await during();
    await rename('away', 'audit_logs');
  }

  it('waits twice as long after each failure, up to an hour', async () => {
    const tried = [0, 1, 2, 5, 10, 11, 12, 5000];
    for (const deliveryAttempts of tried) await insert({ deliveryAttempts });
    receiver.answer('server error');
    const earliest = Date.now();
    deliveryWith().nudge();
    await eventually(async () => {
      const attempts = (await rows()).map(({ deliveryAttempts }) => deliveryAttempts);
      expect(attempts).toEqual(tried.map((count) => count + 1));
    });
    const latest = Date.now();
    const waits = [2, 4, 8, 64, 2048, 3600, 3600, 3600];
    for (const [index, { deliveryDueAt }] of (await rows()).entries()) {
      const wait = waits[index]! * 1000;
      expect(deliveryDueAt!.getTime()).toBeGreaterThanOrEqual(earliest + wait);
      expect(deliveryDueAt!.getTime()).toBeLessThanOrEqual(latest + wait);
    }
  });

  it('leaves alone what is not due yet, what was never to be sent, and what another instance has claimed', async () => {
    await insert({ deliveryDueAt: new Date(Date.now() + 60_000) });
    await insert({ deliveryDueAt: null });
    await insert();
    await logs.claimDue(new Date(), 1, new Date(Date.now() + 60_000));
    const { id } = await insert();
    const before = await rows();
    deliveryWith().nudge();
    await eventually(async () => expect((await rows())[3]!.deliveryDueAt).toBeNull());
    expect(receiver.acknowledged).toEqual([id]);
    expect((await rows()).slice(0, 3)).toEqual(before.slice(0, 3));
  });

  it('takes as many batches as there are to one nudge', async () => {
    for (let count = 0; count < 45; count++) await insert();
    deliveryWith().nudge();
    await eventually(async () =>
      expect((await rows()).every(({ deliveryDueAt }) => deliveryDueAt === null)).toBe(true),
    );
    expect(receiver.acknowledged).toHaveLength(45);
  });

  it('does nothing without a URL', async () => {
    await insert();
    const delivery = deliveryWith({ pollMs: 1 }, { AUDIT_WEBHOOK_URL: undefined });
    delivery.onApplicationBootstrap();
    delivery.nudge();
    await delivery.onApplicationShutdown();
    expect(delivery.enabled).toBe(false);
    expect(receiver.deliveries).toEqual([]);
    expect((await rows())[0]!.deliveryDueAt).not.toBeNull();
  });

  it('does nothing more after the shutdown', async () => {
    const delivery = deliveryWith({ pollMs: 1 }, { AUDIT_RETENTION_DAYS: 1 });
    delivery.onApplicationBootstrap();
    await delivery.onApplicationShutdown();
    await insert({ occurredAt: new Date(0) });
    delivery.nudge();
    await delivery.purge();
    await delivery.onApplicationShutdown();
    expect(receiver.deliveries).toEqual([]);
    expect(await rows()).toHaveLength(1);
  });

  it('survives a database that is away, and says so', async () => {
    await insert();
    const delivery = deliveryWith({ pollMs: 10 });
    await withoutTable(async () => {
      delivery.onApplicationBootstrap();
      await eventually(() =>
        expect(warnings).toHaveBeenCalledWith('audit delivery paused', expect.anything()),
      );
    });
    await eventually(() => expect(receiver.acknowledged).toHaveLength(1));
  });

  describe('purge', () => {
    it('goes by the day', async () => {
      const ages = [3 * DAY_MS, DAY_MS + 1, DAY_MS - 60_000, 0];
      for (const age of ages) await insert({ occurredAt: new Date(Date.now() - age) });
      await deliveryWith({}, { AUDIT_RETENTION_DAYS: 1 }).purge();
      expect((await rows()).map(({ id }) => id)).toEqual([3, 4]);
    });

    it('survives a database that is away, says so, and comes back to it', async () => {
      await insert({ occurredAt: new Date(0), deliveryDueAt: null });
      const delivery = deliveryWith({ purgeIntervalMs: 10 }, { AUDIT_RETENTION_DAYS: 1 });
      await withoutTable(async () => {
        delivery.onApplicationBootstrap();
        await eventually(() =>
          expect(warnings).toHaveBeenCalledWith(
            expect.stringContaining('could not be deleted'),
            expect.anything(),
          ),
        );
      });
      await eventually(async () => expect(await rows()).toEqual([]));
    });
  });
});
