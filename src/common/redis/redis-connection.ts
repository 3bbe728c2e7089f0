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
 * Rejects if the reply takes longer than `ms`. A pause of this process must not count as a timeout of Redis, or three
 * pauses would open the circuit breaker. Therefore the time runs in two halves, and a pause uses up one at most.
 */
function rejectAfter<T>(ms: number, reply: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // setImmediate, so that Node first reads a reply that is already in the socket.
    const giveUp = () => setImmediate(() => reject(new Error('the command timed out')));
    let timer = setTimeout(() => (timer = setTimeout(giveUp, ms / 2)), ms / 2);
    const settled =
      <Outcome>(settle: (outcome: Outcome) => void) =>
      (outcome: Outcome) => {
        clearTimeout(timer);
        return settle(outcome);
      };
    reply.then(settled(resolve), settled(reject));
  });
}

/**
 * The only Redis client. By default ioredis retries for minutes while Redis is down; here every command settles in time.
 * With the circuit breaker, a hung Redis costs three slow calls and then one per second, not one per request.
 */
export class RedisConnection {
  private readonly logger = new Logger('Redis');
  private readonly client: Redis;
  /** The client itself, for libraries. A command rejects at once while Redis is down, and can hang while Redis hangs. */
  readonly commands: Redis;
  private readonly breaker: CircuitBreakerPolicy = circuitBreaker(handleAll, {
    halfOpenAfter: 1000,
    breaker: new ConsecutiveBreaker(3),
  });
  private readonly connectTimeoutMs: number;
  private up: boolean | undefined;

  /**
   * @param commandTimeoutMs short, because a cache that is slower than the database is useless, and rate limits fall
   * back to this process's memory
   */
  constructor(
    url: string,
    readonly commandTimeoutMs: number,
  ) {
    this.connectTimeoutMs = Math.max(CONNECT_TIMEOUT_MS, commandTimeoutMs);
    this.client = new Redis(url, {
      enableOfflineQueue: false,
      // These two belong together, because a retried command would never settle without resending.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: this.connectTimeoutMs,
      // Closes a silent connection, because the client would consider it ready for ever.
      socketTimeout: 5 * commandTimeoutMs,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2000) + Math.random() * 50,
    });
    this.commands = tracing()?.spans.redisCommands(this.client) ?? this.client;
    this.client.on('ready', () => this.logState(true));
    this.client.on('error', (error) => this.logState(false, error));
    this.client.on('close', () => this.logState(false));
  }

  /** Waits until Redis is connected or has failed, so that the first requests can use it. Never throws. */
  async connected(): Promise<void> {
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

  /** Defines a script as a method of the client. ioredis sends it once and then calls it by its hash. */
  define(name: string, lua: string, numberOfKeys: number): void {
    this.client.defineCommand(name, { lua, numberOfKeys });
  }

  /** The command's reply, or `undefined` if Redis did not reply in time or the circuit is open. Never throws. */
  attempt<T>(command: (client: Redis) => Promise<T>): Promise<T | undefined> {
    return this.breaker
      .execute(() => {
        this.corkUntilNextTurn();
        return rejectAfter(this.commandTimeoutMs, command(this.commands));
      })
      .catch(() => undefined);
  }

  /** True while the circuit breaker blocks commands (half-open: all but one). */
  get isCircuitOpen(): boolean {
    return this.breaker.state !== CircuitState.Closed;
  }

  /** Bypasses the circuit breaker. @throws if Redis does not reply */
  async ping(): Promise<void> {
    await rejectAfter(this.commandTimeoutMs, this.commands.ping());
  }

  close(): void {
    // So that an intended disconnect is not logged as a failure.
    this.up = false;
    this.client.disconnect();
  }

  /**
   * Sends all commands of one turn of the event loop in one write. ioredis's auto-pipelining is slower (five promises
   * per command), and its pipeline fails as a whole.
   */
  private corkUntilNextTurn(): void {
    const { stream } = this.client;
    if (stream === undefined || stream.writableCorked > 0) return;
    stream.cork();
    setImmediate(() => stream.uncork());
  }

  /** Logs each change of state once, so that an unreachable Redis does not fill the log. */
  private logState(up: boolean, error?: Error): void {
    if (this.up === up) return;
    this.up = up;
    if (up) this.logger.log('connected');
    else
      this.logger.warn(
        `not reachable${error ? ` (${(error as NodeJS.ErrnoException).code ?? error.message})` : ''}; continuing without it`,
      );
  }
}
