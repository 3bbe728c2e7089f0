import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { failureInTime } from '../common/with-timeout.js';
import { REDIS } from '../common/redis/redis.module.js';
import { RedisConnection } from '../common/redis/redis-connection.js';

@Injectable()
export class RedisHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    @Inject(REDIS) private readonly redis: RedisConnection | null,
  ) {}

  get configured(): boolean {
    return this.redis !== null;
  }

  async check() {
    const indicator = this.indicators.check('redis');
    const failure = this.redis && (await failureInTime(() => this.redis!.check()));
    return failure ? indicator.down() : indicator.up();
  }
}
