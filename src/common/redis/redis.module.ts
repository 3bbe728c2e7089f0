import { Global, Inject, Injectable, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import { METRICS } from '../observability/metrics/metrics.module.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { RedisConnection } from './redis-connection.js';

/** `RedisConnection | null`: null when `REDIS_URL` is empty. */
export const REDIS = Symbol('REDIS');

async function connect(env: Env, metrics: Metrics | null): Promise<RedisConnection | null> {
  if (env.REDIS_URL === undefined) {
    new Logger('Redis').log('REDIS_URL is empty: cache and rate limits live in this process only');
    return null;
  }
  const connection = new RedisConnection(env.REDIS_URL, env.REDIS_COMMAND_TIMEOUT_MS);
  await connection.settle();
  metrics?.gauge({
    name: 'watchlist_redis_up',
    help: 'Whether Redis answers (1) or not (0).',
    read: () => connection.ping().then(() => 1),
    otherwise: 0,
  });
  metrics?.gauge({
    name: 'watchlist_redis_circuit_open',
    help: 'Whether Redis is left alone (1), because it has not answered, or used (0).',
    read: () => Number(connection.isLeftAlone),
  });
  return connection;
}

/** Closes after the server has answered its last request, not when Nest begins to shut down. */
@Injectable()
class RedisCloser implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: RedisConnection | null) {}

  onApplicationShutdown(): void {
    this.redis?.close();
  }
}

@Global()
@Module({
  providers: [{ provide: REDIS, inject: [ENV, METRICS], useFactory: connect }, RedisCloser],
  exports: [REDIS],
})
export class RedisModule {}
