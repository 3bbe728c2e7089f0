import { HttpService } from '@nestjs/axios';
import { Logger } from '@nestjs/common';
import { createSqlite, type Storage } from '../../test/support/stack.js';
import { eventually } from '../../test/support/eventually.js';
import { WebhookReceiver } from '../../test/support/webhook-receiver.js';
import { type Env, parseEnv } from '../config/env.js';
import { openDatabase } from '../database/database.module.js';
import { SCHEMA } from '../schema.js';
import { insertRow } from '../database/row-mapping.js';
import type { UnitOfWork } from '../database/unit-of-work.js';
import { AUDIT_DELIVERY_DEFAULTS, AuditDelivery, type AuditDeliveryOptions } from './audit-delivery.js';
import { AuditLog } from './audit-log.entity.js';
import { AuditRepository } from './audit.repository.js';
import { WEBHOOK_CLIENT_DEFAULTS, WebhookClient } from './webhook.client.js';

/** Only `wake` starts a run. */
const NO_POLLING = { ...AUDIT_DELIVERY_DEFAULTS, pollMs: 3_600_000 };

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
    const delivery = new AuditDelivery(
      logs,
      client,
      { ...env, ...change },
      { ...NO_POLLING, ...options },
      null,
    );
    deliveries.push(delivery);
    return delivery;
  }

  const insert = async (row: Partial<AuditLog> = {}) => ({
    id: await unitOfWork.write((manager) =>
      insertRow(manager, AuditLog, {
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
    ),
  });
  const rows = () => unitOfWork.read((manager) => manager.find(AuditLog, { order: { id: 'ASC' } }));
  /** Runs `during` while every statement on the table fails. */
  async function withoutTable(during: () => Promise<void>): Promise<void> {
    const rename = (from: string, to: string) =>
      unitOfWork.write((manager) => manager.query(`ALTER TABLE ${from} RENAME TO ${to}`));
    await rename('audit_logs', 'away');
    await during();
    await rename('away', 'audit_logs');
  }

  it('doubles the delay after each failure, up to an hour', async () => {
    const tried = [0, 1, 2, 5, 10, 11, 12, 5000];
    for (const deliveryAttempts of tried) await insert({ deliveryAttempts });
    receiver.answer('server error');
    const earliest = Date.now();
    deliveryWith().wake();
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

  it('skips rows that are not due, that were never queued, and that another instance has leased', async () => {
    await insert({ deliveryDueAt: new Date(Date.now() + 60_000) });
    await insert({ deliveryDueAt: null });
    await insert();
    await logs.outbox.claim(60_000);
    const { id } = await insert();
    const before = await rows();
    deliveryWith().wake();
    await eventually(async () => expect((await rows())[3]!.deliveryDueAt).toBeNull());
    expect(receiver.acknowledged).toEqual([id]);
    expect((await rows()).slice(0, 3)).toEqual(before.slice(0, 3));
  });

  it('delivers nothing without a URL', async () => {
    await insert();
    const delivery = deliveryWith({ pollMs: 1 }, { AUDIT_WEBHOOK_URL: undefined });
    delivery.onApplicationBootstrap();
    delivery.wake();
    await delivery.onApplicationShutdown();
    expect(delivery.enabled).toBe(false);
    expect(receiver.deliveries).toEqual([]);
    expect((await rows())[0]!.deliveryDueAt).not.toBeNull();
  });

  it('reports a database that is away, and goes on when it is back', async () => {
    await insert();
    await insert({ occurredAt: new Date(0), deliveryDueAt: null });
    const cleanup = { ...NO_POLLING.cleanup, intervalMs: 10 };
    const delivery = deliveryWith({ pollMs: 10, cleanup }, { AUDIT_RETENTION_DAYS: 1 });
    await withoutTable(async () => {
      delivery.onApplicationBootstrap();
      await eventually(() => {
        expect(warnings).toHaveBeenCalledWith('audit delivery is paused', expect.anything());
        const failedCleanup = expect.stringContaining('old audit rows could not be deleted');
        expect(warnings).toHaveBeenCalledWith(failedCleanup, expect.anything());
      });
    });
    await eventually(async () => {
      expect(receiver.acknowledged).toEqual([1]);
      expect((await rows()).map(({ id }) => id)).toEqual([1]);
    });
  });
});
