import { withoutVariables } from '../async-variable.js';

export interface PollingOptions {
  /** How often the worker looks for work on its own. It then finds retries and work that another instance left. */
  readonly pollMs: number;
}

/**
 * Runs a job in the background: at the start, at each interval and after each `wake`. Runs never overlap, and a wake
 * during a run leads to one more run.
 */
export class PollingWorker {
  private running: Promise<void> | null = null;
  private isWoken = false;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param processBatch returns false when no work is left */
  constructor(
    private readonly processBatch: () => Promise<boolean>,
    private readonly options: PollingOptions,
    private readonly onError: (error: unknown) => void,
  ) {}

  get isStopped(): boolean {
    return this.stopped;
  }

  start(): void {
    this.timer = setInterval(() => this.wake(), this.options.pollMs).unref();
    this.wake();
  }

  /** Starts a run and returns at once. */
  wake(): void {
    if (this.stopped) return;
    this.isWoken = true;
    // The run leaves the context of the request that woke it, so that its log lines do not carry that request's id.
    this.running ??= withoutVariables(() => this.run()).finally(() => {
      this.running = null;
      if (this.isWoken) this.wake();
    });
  }

  /** Resolves when the current batch is done. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private async run(): Promise<void> {
    try {
      while (this.isWoken && !this.stopped) {
        this.isWoken = false;
        while (!this.stopped && (await this.processBatch()));
      }
    } catch (error) {
      this.onError(error);
    }
  }
}
