import { Global, Inject, Injectable, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import { RedisConnection } from './redis-connection.js';

/** `RedisConnection | null`: null when `REDIS_URL` is empty. */
export const REDIS = Symbol('REDIS');

async function connect(env: Env): Promise<RedisConnection | null> {
  if (env.REDIS_URL === undefined) {
    new Logger('Redis').log('REDIS_URL is empty: cache and rate limits live in this process only');
    return null;
  }
  const connection = new RedisConnection(env.REDIS_URL, env.REDIS_COMMAND_TIMEOUT_MS);
  await connection.settle();
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
  providers: [{ provide: REDIS, inject: [ENV], useFactory: connect }, RedisCloser],
  exports: [REDIS],
})
export class RedisModule {}
