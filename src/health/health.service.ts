import { Inject, Injectable } from '@nestjs/common';
import {
  HealthCheckService,
  type HealthIndicatorFunction,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { GracefulShutdown } from '../common/http/shutdown.js';
import { ENV, type Env } from '../config/env.js';
import { DatabaseHealth } from './database.health.js';
import { DetailedHealthResponse, type NotReadyReason } from './dto/health.response.js';
import { RedisHealth } from './redis.health.js';

@Injectable()
export class HealthService {
  constructor(
    private readonly terminus: HealthCheckService,
    private readonly database: DatabaseHealth,
    private readonly redis: RedisHealth,
    private readonly shutdown: GracefulShutdown,
    @Inject(ENV) private readonly env: Env,
  ) {}

  /** Undefined in production, which reveals nothing about its setup. */
  get publicEnvironment(): string | undefined {
    return this.env.NODE_ENV === 'production' ? undefined : this.env.NODE_ENV;
  }

  async detailed(): Promise<DetailedHealthResponse> {
    const details = await this.checkAll(
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
   * Undefined when the server is ready. Redis does not matter, because the server also works without it. All replicas
   * lose Redis at the same time, so a load balancer that removed them would turn a slowdown into an outage.
   */
  async notReadyReason(): Promise<NotReadyReason | undefined> {
    if (this.shutdown.isShuttingDown) return 'shutting_down';
    const { database } = await this.checkAll(() => this.database.check());
    return database?.status === 'up' ? undefined : 'database_down';
  }

  /** Terminus throws its report when a dependency is down. */
  private async checkAll(...indicators: HealthIndicatorFunction[]): Promise<HealthIndicatorResult> {
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
