import { hasRedis } from './redis-available.mjs';
import stopServices from './global-teardown.mjs';
import { PostgresServer } from './postgres-server.js';
import { startRedis } from './services.mjs';

/** Read by the teardown, in the same process. */
const started = (globalThis.__startedServices ??= []);

/** PostgreSQL and Redis for the whole run, on free ports and in temporary folders, unless the caller brought them. */
export default async function startServices() {
  // Jest does not run the teardown after a signal, and PostgreSQL would outlive it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => void stopServices().finally(() => process.exit(1)));
  if (process.env.TEST_DATABASE_URL === undefined) {
    // Tests only look at what is committed while the server runs; they need not wait for the disk.
    const postgres = await PostgresServer.create({ durable: false });
    started.push(() => postgres.remove());
    process.env.TEST_DATABASE_URL = postgres.url;
  }
  if (hasRedis() && process.env.TEST_REDIS_URL === undefined) {
    const redis = await startRedis();
    started.push(redis.stop);
    process.env.TEST_REDIS_URL = redis.url;
  }
}
