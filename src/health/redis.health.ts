import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { succeedsInTime } from '../common/with-timeout.js';
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
    return this.redis === null || (await succeedsInTime(() => this.redis!.check()))
      ? indicator.up()
      : indicator.down();
  }
}
