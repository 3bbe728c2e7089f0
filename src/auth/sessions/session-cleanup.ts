import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type CleanupOptions, createCleanupJob } from '../../common/jobs/cleanup-job.js';
import type { PollingWorker } from '../../common/jobs/polling-worker.js';
import { SessionsRepository } from './sessions.repository.js';

export const SESSION_CLEANUP_OPTIONS = Symbol('SESSION_CLEANUP_OPTIONS');
export const SESSION_CLEANUP_DEFAULTS: CleanupOptions = { intervalMs: 3_600_000, batchSize: 500 };

/** Deletes expired sessions. A sign-in deletes only those of its own user, and some users never return. */
@Injectable()
export class SessionCleanup implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly job: PollingWorker;

  constructor(sessions: SessionsRepository, @Inject(SESSION_CLEANUP_OPTIONS) options: CleanupOptions) {
    this.job = createCleanupJob(
      'expired sessions',
      (limit) => sessions.deleteAllExpired(limit),
      options,
      new Logger('SessionCleanup'),
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }
}
