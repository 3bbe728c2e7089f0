import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { PollingWorker, type PollingOptions } from '../../common/jobs/polling-worker.js';
import { ItemsService } from './items.service.js';

export const TRASH_CLEANUP_OPTIONS = Symbol('TRASH_CLEANUP_OPTIONS');
export const TRASH_CLEANUP_DEFAULTS: PollingOptions = { pollMs: 3_600_000 };

/** Deletes items whose time in the trash is up. */
@Injectable()
export class TrashCleanup implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly job: PollingWorker;

  constructor(items: ItemsService, @Inject(TRASH_CLEANUP_OPTIONS) options: PollingOptions) {
    const logger = new Logger('TrashCleanup');
    this.job = new PollingWorker(
      () => items.purgeExpired(),
      options,
      (error) => logger.warn('items in the trash could not be deleted; the server tries again later', error),
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }
}
