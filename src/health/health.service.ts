import { Injectable } from '@nestjs/common';
import { HealthCheckService, type HealthIndicatorResult } from '@nestjs/terminus';
import { DatabaseHealth } from './database.health.js';
import { DetailedHealthResponse } from './dto/health.response.js';
import { RedisHealth } from './redis.health.js';

@Injectable()
export class HealthService {
  constructor(
    private readonly terminus: HealthCheckService,
    private readonly database: DatabaseHealth,
    private readonly redis: RedisHealth,
  ) {}

  async detailed(): Promise<DetailedHealthResponse> {
    const details = await this.probe();
    const state = (name: string) => (details[name]?.status === 'up' ? 'ok' : 'down');
    return DetailedHealthResponse.from({
      database: state('database'),
      redis: this.redis.configured ? state('redis') : 'disabled',
    });
  }

  /** Terminus throws its whole report when anything is down. */
  private async probe(): Promise<HealthIndicatorResult> {
    try {
      const { details } = await this.terminus.check([() => this.database.check(), () => this.redis.check()]);
      return details;
    } catch (error) {
      const { response } = error as { response?: { details?: HealthIndicatorResult } };
      if (response?.details === undefined) throw error;
      return response.details;
    }
  }
}
