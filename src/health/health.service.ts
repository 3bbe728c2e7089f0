import { Inject, Injectable } from '@nestjs/common';
import {
  HealthCheckService,
  type HealthIndicatorFunction,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { GracefulShutdown } from '../common/http/shutdown.js';
import { ENV, type Env } from '../config/env.js';
import { DatabaseHealth } from './database.health.js';
import { DetailedHealthResponse, type Obstacle } from './dto/health.response.js';
import { RedisHealth } from './redis.health.js';

@Injectable()
export class HealthService {
  private asking: Promise<boolean> | undefined;

  constructor(
    private readonly terminus: HealthCheckService,
    private readonly database: DatabaseHealth,
    private readonly redis: RedisHealth,
    private readonly shutdown: GracefulShutdown,
    @Inject(ENV) private readonly env: Env,
  ) {}

  /** What this server is for, where that may be told: in production nothing is given away. */
  get toldEnvironment(): string | undefined {
    return this.env.NODE_ENV === 'production' ? undefined : this.env.NODE_ENV;
  }

  async detailed(): Promise<DetailedHealthResponse> {
    const details = await this.probe(
      () => this.database.check(),
      () => this.redis.check(),
    );
    const state = (name: string) => (details[name]?.status === 'up' ? 'ok' : 'down');
    return DetailedHealthResponse.from({
      database: state('database'),
      redis: this.redis.configured ? state('redis') : 'disabled',
    });
  }

  /**
   * What keeps the server from serving, if anything does. Migrations do not: it listens when they are done. Redis does
   * not either: without it every request is still served (cache past, limits in the process's memory), and all
   * instances lose it at once, so that leaving the balancer over it would turn something slower into an outage.
   */
  async obstacle(): Promise<Obstacle | undefined> {
    if (this.shutdown.isDraining) return 'shutting_down';
    return (await this.hasDatabase()) ? undefined : 'database_down';
  }

  /** Nothing counts who asks for this: however many there are, the database is asked once at a time. */
  private hasDatabase(): Promise<boolean> {
    this.asking ??= this.probe(() => this.database.check())
      .then(({ database }) => database?.status === 'up')
      .finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** Terminus throws its whole report when anything is down. */
  private async probe(...indicators: HealthIndicatorFunction[]): Promise<HealthIndicatorResult> {
    try {
      const { details } = await this.terminus.check(indicators);
      return details;
    } catch (error) {
      const { response } = error as { response?: { details?: HealthIndicatorResult } };
      if (response?.details === undefined) throw error;
      return response.details;
    }
  }
}
