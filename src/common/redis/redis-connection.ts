import { Logger } from '@nestjs/common';
import { type CircuitBreakerPolicy, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { Redis } from 'ioredis';

/**
 * How long a command may take. Nothing in Redis is worth waiting longer for: a cache that is slower than the
 * database is none, and the limiter has its own log to fall back on.
 */
const COMMAND_TIMEOUT_MS = 200;
const CONNECT_TIMEOUT_MS = 1000;

/**
 * The one client. ioredis's defaults queue and retry for minutes while Redis is away, and for ever while it
 * hangs; these settings make every command settle within 200 ms, and the breaker in front makes a hung Redis
 * cost three slow calls and one a second after that, not one per request.
 */
export class RedisConnection {
  private readonly logger = new Logger('Redis');
  private readonly client: Redis;
  private readonly breaker: CircuitBreakerPolicy = circuitBreaker(handleAll, {
    halfOpenAfter: 1000,
    breaker: new ConsecutiveBreaker(3),
  });
  private up: boolean | undefined;

  constructor(url: string) {
    this.client = new Redis(url, {
      enableOfflineQueue: false,
      // The two go together: without resending, a retried command would never settle.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // Cuts a connection that has gone silent; the client would call it ready for ever.
      socketTimeout: 1000,
      commandTimeout: COMMAND_TIMEOUT_MS,
      // Commands of one tick travel together: one write instead of one each.
      enableAutoPipelining: true,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2000) + Math.random() * 50,
    });
    this.client.on('ready', () => this.say(true));
    this.client.on('error', (error) => this.say(false, error));
    this.client.on('close', () => this.say(false));
  }

  /** Gives a Redis that is there the time to connect, so that the first requests find it; one that is not holds nothing up. */
  async settle(): Promise<void> {
    if (this.client.status === 'ready') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CONNECT_TIMEOUT_MS);
      for (const event of ['ready', 'error'] as const) {
        this.client.once(event, () => {
          clearTimeout(timer);
          resolve();
        });
      }
    });
  }

  /** A script that is sent once and then called by its hash, as a method of the client. */
  define(name: string, lua: string, numberOfKeys: number): void {
    this.client.defineCommand(name, { lua, numberOfKeys });
  }

  /** The command's answer; `undefined` when Redis gave none in time or is being left alone. Never throws. */
  async attempt<T>(command: (client: Redis) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.breaker.execute(() => command(this.client));
    } catch {
      return undefined;
    }
  }

  /** Asks Redis itself, whatever the breaker thinks. @throws when it does not answer */
  async ping(): Promise<void> {
    await this.client.ping();
  }

  close(): void {
    // An orderly end is nothing to warn of.
    this.up = false;
    this.client.disconnect();
  }

  /** Once per change of state: a Redis that is away would otherwise fill the log. */
  private say(up: boolean, error?: Error): void {
    if (this.up === up) return;
    this.up = up;
    if (up) this.logger.log('connected');
    else
      this.logger.warn(
        `not reachable${error ? ` (${(error as NodeJS.ErrnoException).code ?? error.message})` : ''}; going on without it`,
      );
  }
}
