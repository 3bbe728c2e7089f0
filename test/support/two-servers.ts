import { ROOMY } from './server-client.js';
import { type ServerProcess, startServer } from './server-process.js';
import { SlowPostgres } from './slow-postgres.js';
import { createPostgres, type Storage } from './stack.js';

/** A machine that pauses is not what these tests are about. */
const PATIENT = { REDIS_COMMAND_TIMEOUT_MS: '5000', MAX_EVENT_LOOP_DELAY_MS: '0' };

export interface TwoServersOptions {
  readonly redisUrl: string;
  readonly env?: Record<string, string>;
  /** The database is slow now and then, by chance; it is not when this is left out. */
  readonly slowBy?: () => number;
}

/** Two processes of the built server, on one PostgreSQL and one Redis; behind a balancer, either may be asked. */
export class TwoServers {
  private readonly servers: ServerProcess[] = [];
  private slow: SlowPostgres | undefined;

  private constructor(private readonly storage: Storage) {}

  static async start({ redisUrl, env, slowBy }: TwoServersOptions): Promise<TwoServers> {
    const storage = await createPostgres();
    const both = new TwoServers(storage);
    try {
      const databaseUrl = storage.env['DATABASE_URL']!;
      if (slowBy !== undefined) both.slow = await SlowPostgres.before(databaseUrl, slowBy);
      const where = { DATABASE_URL: both.slow?.url ?? databaseUrl, REDIS_URL: redisUrl };
      const one = () => startServer({ env: { ...ROOMY, ...PATIENT, ...where, ...env } });
      const starts = await Promise.allSettled([one(), one()]);
      for (const start of starts) if (start.status === 'fulfilled') both.servers.push(start.value);
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
    } catch (error) {
      await both.remove();
      throw error;
    }
    return both;
  }

  get urls(): readonly [string, string] {
    return [this.servers[0]!.url, this.servers[1]!.url];
  }

  async remove(): Promise<void> {
    for (const server of this.servers) await server.remove();
    await this.slow?.close();
    await this.storage.remove();
  }
}

export async function withTwoServers(
  options: TwoServersOptions,
  use: (urls: TwoServers['urls']) => Promise<void>,
): Promise<void> {
  const servers = await TwoServers.start(options);
  try {
    await use(servers.urls);
  } finally {
    await servers.remove();
  }
}
