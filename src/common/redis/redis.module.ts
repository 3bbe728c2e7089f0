import { Global, Inject, Injectable, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import { METRICS } from '../observability/metrics/metrics.module.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { RedisConnection } from './redis-connection.js';

/** `RedisConnection | null`: null when `REDIS_URL` is empty. */
export const REDIS = Symbol('REDIS');

/** The word that begins every key, so that servers with different databases can share a Redis. */
export const REDIS_NAMESPACE = Symbol('REDIS_NAMESPACE');

async function connect(
  env: Env,
  metrics: Metrics | null,
  namespace: string,
): Promise<RedisConnection | null> {
  if (env.REDIS_URL === undefined) {
    new Logger('Redis').log(
      'REDIS_URL is empty, so the cache and rate limits are in the memory of this process',
    );
    return null;
  }
  const connection = new RedisConnection(env.REDIS_URL, env.REDIS_COMMAND_TIMEOUT_MS, `${namespace}:`);
  await connection.connected();
  metrics?.gauge({
    name: 'watchlist_redis_up',
    help: '1 if Redis accepts a write, otherwise 0.',
    read: () => connection.check().then(() => 1),
    fallback: 0,
  });
  metrics?.gauge({
    name: 'watchlist_redis_circuit_open',
    help: '1 while the server sends no commands to Redis after failures, otherwise 0.',
    read: () => Number(!connection.isUsed),
  });
  return connection;
}

/** Closes the connection after the last response, not when Nest begins to shut down. */
@Injectable()
class RedisCloser implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: RedisConnection | null) {}

  onApplicationShutdown(): void {
    this.redis?.close();
  }
}

@Global()
@Module({
  providers: [{ provide: REDIS, inject: [ENV, METRICS, REDIS_NAMESPACE], useFactory: connect }, RedisCloser],
  exports: [REDIS],
})
export class RedisModule {}
