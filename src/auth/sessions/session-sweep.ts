import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Rounds } from '../../database/rounds.js';
import { sweep, type SweepOptions } from '../../database/sweep.js';
import { SessionsRepository } from './sessions.repository.js';

export const SESSION_SWEEP_OPTIONS = Symbol('SESSION_SWEEP_OPTIONS');
export const SESSION_SWEEP_DEFAULTS: SweepOptions = { intervalMs: 3_600_000, batch: 500 };

/** Deletes what has expired: signing in deletes only one's own, and some never come back. */
@Injectable()
export class SessionSweep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('SessionSweep');
  private readonly sweep: Rounds;

  constructor(sessions: SessionsRepository, @Inject(SESSION_SWEEP_OPTIONS) options: SweepOptions) {
    this.sweep = sweep(
      (limit) => sessions.deleteAllExpired(new Date(), limit),
      options,
      (error) => this.logger.warn('expired sessions could not be deleted; trying again in an hour', error),
    );
  }

  onApplicationBootstrap(): void {
    this.sweep.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.sweep.stop();
  }
}
