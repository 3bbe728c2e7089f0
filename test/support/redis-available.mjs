import { spawnSync } from 'node:child_process';

/** Whether the tests have a Redis: one that they are told of, or a `redis-server` that they can start. */
export function hasRedis() {
  const available =
    process.env.TEST_REDIS_URL !== undefined || spawnSync('redis-server', ['--version']).status === 0;
  if (!available && process.env.CI === 'true') {
    throw new Error(
      'There is no Redis: set TEST_REDIS_URL or install redis-server (with CI=true this is a failure).',
    );
  }
  if (!available) {
    console.warn(
      '\n*** NO REDIS: everything that needs one is SKIPPED. Set TEST_REDIS_URL or install redis-server. ***\n',
    );
  }
  return available;
}
