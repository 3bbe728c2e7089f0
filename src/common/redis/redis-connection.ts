import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { tracing } from '../observability/tracing/tracing.js';

const CONNECT_TIMEOUT_MS = 1000;
const RECHECK_INTERVAL_MS = 1000;

type Command = (client: Redis) => Promise<unknown>;

/** Redis answered, and the answer is an error. */
const isRefusal = (error: Error) => error.name === 'ReplyError';

/**
 * Rejects if the reply takes longer than `ms`. A pause of this process must not count as a timeout of Redis.
 * Therefore the time runs in two halves, and a pause uses up one at most.
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
 * After a failure no command is sent until Redis accepts a write again, so a Redis that hangs or refuses costs one write
 * per second, not one slow call per request.
 */
export class RedisConnection {
  private readonly logger = new Logger('Redis');
  private readonly client: Redis;
  /** The client itself, for libraries. A command rejects at once while Redis is down, and can hang while Redis hangs. */
  readonly commands: Redis;
  private readonly connectTimeoutMs: number;
  private state: 'up' | 'in doubt' | 'down' = 'down';
  /** The kinds of failure that were logged since Redis went down. */
  private readonly logged = new Set<string>();
  /** Redis is not up before it accepts this command too, because it can refuse some commands or keys only. */
  private refused: Command | undefined;
  private pendingCheck: Promise<void> | undefined;
  private recheckTimer: NodeJS.Timeout | undefined;
  private isClosed = false;

  /**
   * @param commandTimeoutMs short, because a cache that is slower than the database is useless, and rate limits fall
   * back to this process's memory
   * @param keyPrefix begins every key
   */
  constructor(
    url: string,
    readonly commandTimeoutMs: number,
    keyPrefix = '',
  ) {
    this.connectTimeoutMs = Math.max(CONNECT_TIMEOUT_MS, commandTimeoutMs);
    this.client = new Redis(url, {
      keyPrefix,
      // With these two the client would send more commands first, and lose the reason why Redis closes a connection.
      protocol: 2,
      disableClientInfo: true,
      enableOfflineQueue: false,
      // These two belong together, because a retried command would never settle without resending.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: this.connectTimeoutMs,
      // Closes a silent connection, because the client would consider it ready for ever.
      socketTimeout: 5 * commandTimeoutMs,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2000) + Math.random() * 50,
      // Sees the errors of every command, also of those that libraries send. `recheck` reconnects.
      reconnectOnError: (error) => {
        if (!/NOSCRIPT|WRONGTYPE/.test(error.message)) this.doubt();
        return false;
      },
    });
    this.commands = tracing()?.spans.redisCommands(this.client) ?? this.client;
    this.client.on('ready', () => this.checkSoon());
    this.client.on('error', (error: Error & { command?: { name: string } }) => {
      this.setDown(error);
      // Redis does not have the database of the URL. ioredis would go on in database 0, which can be another program's.
      if (error.command?.name === 'select') this.client.disconnect();
    });
    this.client.on('close', () => this.setDown(new Error('the connection was closed')));
  }

  /** Waits until Redis accepts a write or has failed, so that the first requests can use it. Never throws. */
  async connected(): Promise<void> {
    if (this.client.status !== 'ready') {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          this.setDown(new Error('not ready in time'));
          resolve();
        }, this.connectTimeoutMs);
        for (const event of ['ready', 'error'] as const) {
          this.client.once(event, () => {
            clearTimeout(timer);
            resolve();
          });
        }
      });
    }
    await this.check().catch(() => undefined);
  }

  /** Defines a script as a method of the client. ioredis sends it once and then calls it by its hash. */
  define(name: string, lua: string, numberOfKeys: number): void {
    this.client.defineCommand(name, { lua, numberOfKeys });
  }

  /** The command's reply, or `undefined` if Redis is down, refuses or does not reply in time. Never throws. */
  async attempt<T>(command: (client: Redis) => Promise<T>): Promise<T | undefined> {
    if (!this.isUsed) return undefined;
    try {
      this.corkUntilNextTurn();
      return await rejectAfter(this.commandTimeoutMs, command(this.commands));
    } catch (error) {
      this.onFailure(error as Error, command);
      return undefined;
    }
  }

  /** False while `attempt` sends no commands, because Redis has failed. */
  get isUsed(): boolean {
    return this.state === 'up';
  }

  /** Makes a small write. Concurrent calls share it. @throws if Redis does not accept it in time */
  check(): Promise<void> {
    this.pendingCheck ??= this.write().finally(() => (this.pendingCheck = undefined));
    return this.pendingCheck;
  }

  close(): void {
    // First, so that an intended disconnect is not logged as a failure.
    this.isClosed = true;
    clearTimeout(this.recheckTimer);
    this.client.disconnect();
  }

  private async write(): Promise<void> {
    try {
      await rejectAfter(this.commandTimeoutMs, this.commands.set('check', '', 'PX', 1000));
      if (this.refused) await rejectAfter(this.commandTimeoutMs, this.refused(this.commands));
    } catch (error) {
      this.setDown(error as Error);
      throw error;
    }
    this.refused = undefined;
    if (this.state === 'down') this.logger.log('connected');
    this.state = 'up';
  }

  private checkSoon(): void {
    this.check().catch(() => undefined);
  }

  private onFailure(error: Error, command: Command): void {
    if (!isRefusal(error)) return this.doubt();
    // Another program has written to this key. That says nothing about other keys.
    if (error.message.includes('WRONGTYPE')) return this.logOnce(error);
    this.refused ??= command;
    this.doubt();
  }

  private doubt(): void {
    if (this.state !== 'up') return;
    this.state = 'in doubt';
    this.checkSoon();
  }

  private setDown(error: Error): void {
    if (this.isClosed) return;
    if (this.state !== 'down') this.logged.clear();
    this.state = 'down';
    // A refusal makes us reconnect. The errors of that are not logged, because they are not another reason.
    if (isRefusal(error) || this.logged.size === 0) this.logOnce(error);
    this.recheckTimer ??= setTimeout(() => {
      this.recheckTimer = undefined;
      this.recheck(error);
    }, RECHECK_INTERVAL_MS).unref();
  }

  /** While the client is not ready it connects by itself. */
  private recheck(error: Error): void {
    if (this.state !== 'down' || this.client.status !== 'ready') return;
    // The name of a Redis that refuses can lead to another one by now, such as the new primary.
    if (isRefusal(error)) this.client.disconnect(true);
    else this.checkSoon();
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

  /** Logs each kind of failure once, so that a Redis that is down does not fill the log. */
  private logOnce(error: Error): void {
    const kind = isRefusal(error) ? error.message.split(' ', 1)[0]! : 'unreachable';
    if (this.logged.has(kind)) return;
    this.logged.add(kind);
    // Redis repeats the arguments of an unknown command, and they can be personal data.
    const [reason] = ((error as NodeJS.ErrnoException).code ?? error.message).split(', with args');
    this.logger.warn(
      `${isRefusal(error) ? 'refuses commands' : 'not reachable'} (${reason}); continuing without it`,
    );
  }
}
