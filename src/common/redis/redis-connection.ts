import { Logger } from '@nestjs/common';
import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
} from 'cockatiel';
import { Redis } from 'ioredis';
import { tracing } from '../observability/tracing/tracing.js';

const CONNECT_TIMEOUT_MS = 1000;

/**
 * Rejects what takes longer than `ms`. The client's own timeout would blame Redis for a pause of this process: its
 * timer goes off before the answer that has come meanwhile is read. Three such pauses would open the breaker, just
 * when the database needs the cache most. So the time counts in two halves, of which a pause spends one at most, and
 * what lies in the socket is read before giving up.
 */
function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => setImmediate(() => reject(new Error('the command timed out')));
    let timer = setTimeout(() => (timer = setTimeout(giveUp, ms / 2)), ms / 2);
    const inTime =
      <Outcome>(settle: (outcome: Outcome) => void) =>
      (outcome: Outcome) => {
        clearTimeout(timer);
        return settle(outcome);
      };
    answer.then(inTime(resolve), inTime(reject));
  });
}

/**
 * The one client. ioredis's defaults queue and retry for minutes while Redis is away, and for ever while it
 * hangs; these settings make every command settle in time, and the breaker in front makes a hung Redis
 * cost three slow calls and one a second after that, not one per request.
 */
export class RedisConnection {
  private readonly logger = new Logger('Redis');
  private readonly client: Redis;
  /** The client itself, for libraries. A command rejects at once while Redis is away, and may hang while it hangs. */
  readonly commands: Redis;
  private readonly breaker: CircuitBreakerPolicy = circuitBreaker(handleAll, {
    halfOpenAfter: 1000,
    breaker: new ConsecutiveBreaker(3),
  });
  private readonly connectTimeoutMs: number;
  private up: boolean | undefined;

  /**
   * @param commandTimeoutMs how long a command may take. Nothing in Redis is worth waiting long for: a cache that is
   * slower than the database is none, and the limiter has its own log to fall back on.
   */
  constructor(
    url: string,
    readonly commandTimeoutMs: number,
  ) {
    this.connectTimeoutMs = Math.max(CONNECT_TIMEOUT_MS, commandTimeoutMs);
    this.client = new Redis(url, {
      enableOfflineQueue: false,
      // The two go together: without resending, a retried command would never settle.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: this.connectTimeoutMs,
      // Cuts a connection that has gone silent; the client would call it ready for ever.
      socketTimeout: 5 * commandTimeoutMs,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2000) + Math.random() * 50,
    });
    this.commands = tracing()?.spans.redisCommands(this.client) ?? this.client;
    this.client.on('ready', () => this.say(true));
    this.client.on('error', (error) => this.say(false, error));
    this.client.on('close', () => this.say(false));
  }

  /** Gives a Redis that is there the time to connect, so that the first requests find it; one that is not holds nothing up. */
  async settle(): Promise<void> {
    if (this.client.status === 'ready') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.connectTimeoutMs);
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
  attempt<T>(command: (client: Redis) => Promise<T>): Promise<T | undefined> {
    return this.breaker
      .execute(() => {
        this.gather();
        return answerWithin(this.commandTimeoutMs, command(this.commands));
      })
      .catch(() => undefined);
  }

  /** Whether the breaker keeps commands from it now, or all but the one that tries. */
  get isLeftAlone(): boolean {
    return this.breaker.state !== CircuitState.Closed;
  }

  /** Asks Redis itself, whatever the breaker thinks. @throws when it does not answer */
  async ping(): Promise<void> {
    await answerWithin(this.commandTimeoutMs, this.commands.ping());
  }

  close(): void {
    // An orderly end is nothing to warn of.
    this.up = false;
    this.client.disconnect();
  }

  /**
   * Commands of one turn of the event loop travel together: one write instead of one each. They stay commands of their
   * own, which ioredis's auto-pipelining (five promises for each) makes one pipeline that fails as a whole.
   */
  private gather(): void {
    const { stream } = this.client;
    if (stream === undefined || stream.writableCorked > 0) return;
    stream.cork();
    setImmediate(() => stream.uncork());
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
