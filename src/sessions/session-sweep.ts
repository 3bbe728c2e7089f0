import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SessionsRepository } from './sessions.repository.js';

export interface SessionSweepOptions {
  readonly intervalMs: number;
  /** How many go in one transaction. */
  readonly batch: number;
}

export const SESSION_SWEEP_OPTIONS = Symbol('SESSION_SWEEP_OPTIONS');
export const SESSION_SWEEP_DEFAULTS: SessionSweepOptions = { intervalMs: 3_600_000, batch: 500 };

/**
 * Deletes what has expired, at boot and then every hour: signing in deletes only one's own, and some never come back.
 * Several instances may do so at once.
 */
@Injectable()
export class SessionSweep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('SessionSweep');
  private running: Promise<void> | null = null;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionsRepository,
    @Inject(SESSION_SWEEP_OPTIONS) private readonly options: SessionSweepOptions,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = () => {
      this.running ??= this.sweep().finally(() => (this.running = null));
    };
    this.timer = setInterval(sweep, this.options.intervalMs).unref();
    sweep();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private async sweep(): Promise<void> {
    const { batch } = this.options;
    try {
      while (!this.stopped && (await this.sessions.deleteAllExpired(new Date(), batch)) === batch);
    } catch (error) {
      this.logger.warn('expired sessions could not be deleted; trying again in an hour', error);
    }
  }
}
