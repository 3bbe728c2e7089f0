export interface SweepOptions {
  readonly intervalMs: number;
  /** How many go in one transaction. */
  readonly batch: number;
}

/**
 * Deletes what nobody needs any more: at once and then again and again, in small transactions. Several instances may do
 * so at the same time.
 */
export class Sweep {
  private running: Promise<void> | null = null;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param deleteSome comes back with how many it found; fewer than `limit` when there are no more */
  constructor(
    private readonly deleteSome: (limit: number) => Promise<number>,
    private readonly options: SweepOptions,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    const run = () => {
      this.running ??= this.run().finally(() => (this.running = null));
    };
    this.timer = setInterval(run, this.options.intervalMs).unref();
    run();
  }

  async run(): Promise<void> {
    const { batch } = this.options;
    try {
      while (!this.stopped && (await this.deleteSome(batch)) === batch);
    } catch (error) {
      this.onError(error);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }
}
