import { crc32 } from 'node:zlib';
import type { RedisConnection } from '../redis/redis-connection.js';
import { MAXIMUM_VALUE_BYTES, type ResponseStore } from './response-store.js';

/** Goes up when the stored form changes, so that an old process's values are misses to a new one. */
const SCHEMA = 1;
/** By how much lifetimes differ, so that what was stored together does not end together. */
const JITTER = 0.1;

const PREFIX = `${SCHEMA}:`;

const checksum = (body: string) => crc32(body).toString(16).padStart(8, '0');

function soundBody(stored: string): string | null {
  if (!stored.startsWith(PREFIX)) return null;
  const body = stored.slice(PREFIX.length + 9);
  return body.length <= MAXIMUM_VALUE_BYTES && stored === `${PREFIX}${checksum(body)}:${body}` ? body : null;
}

/**
 * In Redis, as `<schema>:<crc32>:<body>`; whatever does not look so (cut, foreign, of another version) is a miss.
 * When Redis gives no answer in time the caller goes on without: see RedisConnection.
 */
export class RedisResponseStore implements ResponseStore {
  constructor(
    private readonly redis: RedisConnection,
    private readonly ttlMs: number,
  ) {}

  get(key: string): Promise<string | null | undefined> {
    return this.redis
      .attempt((client) => client.get(key))
      .then((stored) => (typeof stored === 'string' ? soundBody(stored) : stored));
  }

  async set(key: string, body: string): Promise<boolean> {
    if (body.length > MAXIMUM_VALUE_BYTES) return false;
    const ttl = Math.max(1, Math.round(this.ttlMs * (1 - Math.random() * JITTER)));
    const answer = await this.redis.attempt((client) =>
      client.set(key, `${PREFIX}${checksum(body)}:${body}`, 'PX', ttl),
    );
    return answer === 'OK';
  }
}
