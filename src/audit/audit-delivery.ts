import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Counter } from 'prom-client';
import { type CleanupOptions, createCleanupJob } from '../common/jobs/cleanup-job.js';
import { backOffMs, Outbox, type OutboxOptions, type RetryOptions } from '../common/jobs/outbox.js';
import type { PollingWorker } from '../common/jobs/polling-worker.js';
import { METRICS } from '../common/observability/metrics/metrics.module.js';
import type { Metrics } from '../common/observability/metrics/metrics.js';
import { ENV, type Env } from '../config/env.js';
import type { AuditLog } from './audit-log.entity.js';
import { AuditRepository } from './audit.repository.js';
import { toAuditEvent } from './audit-event.js';
import { WebhookClient } from './webhook.client.js';

export interface AuditDeliveryOptions extends OutboxOptions, RetryOptions {
  readonly cleanup: CleanupOptions;
}

export const AUDIT_DELIVERY_OPTIONS = Symbol('AUDIT_DELIVERY_OPTIONS');
export const AUDIT_DELIVERY_DEFAULTS: AuditDeliveryOptions = {
  pollMs: 5000,
  firstRetryMs: 2000,
  longestRetryMs: 3_600_000,
  leaseMs: 30_000,
  // The receiver gets the events in order.
  concurrency: 1,
  shutdownGraceMs: 5000,
  cleanup: { intervalMs: 3_600_000, batchSize: 500 },
};

const DAY_MS = 86_400_000;
/** The metric stops here, because a count of a large backlog would slow the database down at the worst time. */
const MAX_COUNTED = 10_000;
const COUNT_MAX_AGE_MS = 5000;

/**
 * Sends audit events to the webhook and deletes old rows. A row is due until the receiver answers 2xx, so each event
 * arrives at least once, and the receiver recognizes repeats by `id`.
 */
@Injectable()
export class AuditDelivery implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('AuditDelivery');
  readonly enabled: boolean;
  private readonly outbox: Outbox<AuditLog>;
  private readonly cleanup: PollingWorker;
  private attempts: Counter<'outcome'> | undefined;

  constructor(
    private readonly logs: AuditRepository,
    private readonly webhook: WebhookClient,
    @Inject(ENV) private readonly env: Env,
    @Inject(AUDIT_DELIVERY_OPTIONS) options: AuditDeliveryOptions,
    @Inject(METRICS) metrics: Metrics | null,
  ) {
    this.enabled = env.AUDIT_WEBHOOK_URL !== undefined;
    this.outbox = new Outbox(
      logs.outbox,
      {
        handle: (row, signal) => this.deliver(row, signal),
        retryDelayMs: ({ deliveryAttempts }) => backOffMs(options, deliveryAttempts),
        onFailure: (row, error) => this.recordFailure(row, error),
        onError: (error) => this.logger.warn('audit delivery is paused', error),
      },
      options,
    );
    this.cleanup = createCleanupJob(
      'old audit rows',
      (limit) => logs.deleteOlderThan(env.AUDIT_RETENTION_DAYS * DAY_MS, limit),
      options.cleanup,
      this.logger,
    );
    if (this.enabled && metrics !== null) this.reportTo(metrics);
  }

  onApplicationBootstrap(): void {
    if (this.enabled) this.outbox.start();
    if (this.env.AUDIT_RETENTION_DAYS > 0) this.cleanup.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.outbox.stop(), this.cleanup.stop()]);
  }

  /** Delivers what is due in the background. */
  wake(): void {
    if (this.enabled) this.outbox.wake();
  }

  private reportTo(metrics: Metrics): void {
    metrics.gauge({
      name: 'watchlist_audit_backlog_events',
      help: `Audit events that the webhook has not accepted yet, counted up to ${MAX_COUNTED}.`,
      // Every replica counts the same table.
      read: () => this.logs.countUndelivered(MAX_COUNTED),
      maxAgeMs: COUNT_MAX_AGE_MS,
    });
    this.attempts = metrics.counter({
      name: 'watchlist_audit_deliveries_total',
      help: 'Attempts to deliver an audit event to the webhook.',
      label: ['outcome', ['delivered', 'failed']],
    });
  }

  private async deliver(row: AuditLog, signal: AbortSignal): Promise<void> {
    await this.webhook.postEvent(toAuditEvent(row), { traceparent: row.traceparent, signal });
    this.attempts?.inc({ outcome: 'delivered' });
  }

  private recordFailure(row: AuditLog, error: unknown): void {
    this.attempts?.inc({ outcome: 'failed' });
    this.logger.warn(`audit event ${row.id} was not delivered: ${(error as Error).message}`);
  }
}
