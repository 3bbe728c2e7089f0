import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Counter } from 'prom-client';
import { METRICS } from '../common/observability/metrics/metrics.module.js';
import type { Metrics } from '../common/observability/metrics/metrics.js';
import { ENV, type Env } from '../config/env.js';
import type { AuditLog } from './audit-log.entity.js';
import { retryDelay, type RetryOptions, Rounds, type RoundsOptions } from '../database/rounds.js';
import { sweep } from '../database/sweep.js';
import { AuditRepository } from './audit.repository.js';
import { auditEvent } from './audit-event.js';
import { WebhookClient } from './webhook.client.js';

/** When things happen, in milliseconds. */
export interface AuditDeliveryOptions extends RoundsOptions, RetryOptions {
  /** A claimed row is left alone this long; longer than a batch can take. */
  readonly leaseMs: number;
  readonly purgeIntervalMs: number;
}

export const AUDIT_DELIVERY_OPTIONS = Symbol('AUDIT_DELIVERY_OPTIONS');
export const AUDIT_DELIVERY_DEFAULTS: AuditDeliveryOptions = {
  pollMs: 5000,
  firstRetryMs: 2000,
  longestRetryMs: 3_600_000,
  leaseMs: 120_000,
  purgeIntervalMs: 3_600_000,
};

const BATCH = 20;
const PURGE_BATCH = 500;
const DAY_MS = 86_400_000;
/** More are not told apart: to count them all would cost the more, the worse things are. */
const MAXIMUM_COUNTED = 10_000;
const COUNT_KEPT_MS = 5000;

/** A row is due until the receiver has answered 2xx, so each event arrives at least once (its `id` tells repeats). */
@Injectable()
export class AuditDelivery implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('AuditDelivery');
  readonly enabled: boolean;
  private readonly outbox: Rounds;
  private readonly sweep: Rounds;
  private tries: Counter<'outcome'> | undefined;

  constructor(
    private readonly logs: AuditRepository,
    private readonly webhook: WebhookClient,
    @Inject(ENV) private readonly env: Env,
    @Inject(AUDIT_DELIVERY_OPTIONS) private readonly options: AuditDeliveryOptions,
    @Inject(METRICS) metrics: Metrics | null,
  ) {
    this.enabled = env.AUDIT_WEBHOOK_URL !== undefined;
    this.outbox = new Rounds(
      async () => (await this.deliverBatch()) === BATCH,
      options,
      (error) => this.logger.warn('audit delivery paused', error),
    );
    this.sweep = sweep(
      (limit) => logs.deleteBefore(new Date(Date.now() - env.AUDIT_RETENTION_DAYS * DAY_MS), limit),
      { intervalMs: options.purgeIntervalMs, batch: PURGE_BATCH },
      (error) => this.logger.warn('old audit rows could not be deleted; trying again in an hour', error),
    );
    if (this.enabled && metrics !== null) this.reportTo(metrics);
  }

  onApplicationBootstrap(): void {
    if (this.enabled) this.outbox.start();
    if (this.env.AUDIT_RETENTION_DAYS > 0) this.sweep.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.outbox.stop(), this.sweep.stop()]);
  }

  /** There may be something to deliver. Returns at once. */
  nudge(): void {
    if (this.enabled) this.outbox.nudge();
  }

  /** Deletes what is older than `AUDIT_RETENTION_DAYS`. */
  purge(): Promise<void> {
    return this.sweep.look();
  }

  private reportTo(metrics: Metrics): void {
    metrics.gauge({
      name: 'watchlist_audit_backlog_events',
      help: `Audit events that the webhook has not taken yet, counted up to ${MAXIMUM_COUNTED}.`,
      // It is one table.
      ofWorkers: 'max',
      read: () => this.logs.countUndelivered(MAXIMUM_COUNTED),
      keptMs: COUNT_KEPT_MS,
    });
    this.tries = metrics.counter({
      name: 'watchlist_audit_deliveries_total',
      help: 'Tries to deliver an audit event to the webhook.',
      label: ['outcome', ['delivered', 'failed']],
    });
  }

  private async deliverBatch(): Promise<number> {
    const now = Date.now();
    const rows = await this.logs.claimDue(new Date(now), BATCH, new Date(now + this.options.leaseMs));
    for (const [index, row] of rows.entries()) {
      // Each try can take the client's whole time limit: a shutdown must not wait for twenty of them.
      if (this.outbox.isStopped) {
        const untried = rows.slice(index).map(({ id }) => id);
        await this.logs.release(untried, new Date());
        break;
      }
      await this.deliver(row);
    }
    return rows.length;
  }

  private async deliver(row: AuditLog): Promise<void> {
    // As it is now: while it waited for its turn, somebody may have been erased who is named in it.
    const current = (await this.logs.find(row.id)) ?? row;
    try {
      await this.webhook.post(auditEvent(current), current.traceparent);
    } catch (error) {
      this.tries?.inc({ outcome: 'failed' });
      this.logger.warn(`audit event ${row.id} not delivered: ${(error as Error).message}`);
      const delay = retryDelay(this.options, row.deliveryAttempts);
      await this.logs.putOff(row.id, new Date(Date.now() + delay));
      return;
    }
    this.tries?.inc({ outcome: 'delivered' });
    await this.logs.markDelivered(row.id);
  }
}
