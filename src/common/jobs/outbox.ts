import { PollingWorker, type PollingOptions } from './polling-worker.js';

/** A table of work. A row stays due until it is marked as done, so a crash loses nothing. */
export interface OutboxStore<Row> {
  /** Leases the row that has been due longest. No other worker gets it until the lease ends. */
  claim(leaseMs: number): Promise<Row | null>;
  markDone(row: Row): Promise<void>;
  /** Ends the lease after a failed attempt. The row is due again after the delay. */
  reschedule(row: Row, delayMs: number): Promise<void>;
}

export interface OutboxHandler<Row> {
  /**
   * Throws to have the row tried again. A row can arrive more than once, because a crash can follow the work.
   *
   * @param signal aborts when the server cannot wait any longer at shutdown
   */
  handle(row: Row, signal: AbortSignal): Promise<void>;
  retryDelayMs(row: Row): number;
  /** Logs that `handle` threw. */
  onFailure(row: Row, error: unknown): void;
  /** Logs that the store failed. */
  onError(error: unknown): void;
}

export interface OutboxOptions extends PollingOptions {
  /** Longer than one row can take. */
  readonly leaseMs: number;
  /** How many rows are handled at the same time. One keeps the rows in order. */
  readonly concurrency: number;
  /** How long a shutdown waits before it aborts the rows that are being handled. */
  readonly shutdownGraceMs: number;
}

export interface RetryOptions {
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
}

/** Exponential back-off: doubles with each of the failed `attempts`. */
export const backOffMs = ({ firstRetryMs, longestRetryMs }: RetryOptions, attempts: number): number =>
  Math.min(firstRetryMs * 2 ** attempts, longestRetryMs);

/** Handles the due rows of a table at least once each. Several instances can share one table. */
export class Outbox<Row> {
  private readonly worker: PollingWorker;
  private readonly running = new Set<Promise<void>>();
  private readonly shutdown = new AbortController();

  constructor(
    private readonly store: OutboxStore<Row>,
    private readonly handler: OutboxHandler<Row>,
    private readonly options: OutboxOptions,
  ) {
    this.worker = new PollingWorker(
      () => this.startNext(),
      options,
      (error) => handler.onError(error),
    );
  }

  start(): void {
    this.worker.start();
  }

  /** Looks for due rows and returns at once. */
  wake(): void {
    this.worker.wake();
  }

  /** Resolves when no row is being handled any more. */
  async stop(): Promise<void> {
    const deadline = setTimeout(() => this.shutdown.abort(), this.options.shutdownGraceMs);
    await this.worker.stop();
    await Promise.all(this.running);
    clearTimeout(deadline);
  }

  /** @returns false when no row is due */
  private async startNext(): Promise<boolean> {
    // One row at a time: a row that is claimed ahead is stale by its turn, and a shutdown has to give it back.
    const row = await this.store.claim(this.options.leaseMs);
    if (row === null) return false;
    const running = this.process(row).finally(() => this.running.delete(running));
    this.running.add(running);
    if (this.running.size >= this.options.concurrency) await Promise.race(this.running);
    return true;
  }

  private async process(row: Row): Promise<void> {
    try {
      const isDone = await this.attempt(row);
      if (isDone) return await this.store.markDone(row);
      // After a shutdown the next start tries at once, because the abort was not the row's fault.
      const delay = this.worker.isStopped ? 0 : this.handler.retryDelayMs(row);
      await this.store.reschedule(row, delay);
    } catch (error) {
      // The row is due again when its lease ends.
      this.handler.onError(error);
    }
  }

  private async attempt(row: Row): Promise<boolean> {
    try {
      await this.handler.handle(row, this.shutdown.signal);
      return true;
    } catch (error) {
      this.handler.onFailure(row, error);
      return false;
    }
  }
}
