import { withoutVariables } from '../common/async-variable.js';

export interface RoundsOptions {
  /** How often to look without being nudged, in milliseconds: for retries, and for what another instance left behind. */
  readonly pollMs: number;
}

/** Milliseconds. */
export interface RetryOptions {
  /** After the first failure; doubled with each further one. */
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
}

/** In how many milliseconds to try again what has failed `attempts` times before this one. */
export const retryDelay = ({ firstRetryMs, longestRetryMs }: RetryOptions, attempts: number): number =>
  Math.min(firstRetryMs * 2 ** attempts, longestRetryMs);

/**
 * Work that lies in a table, done in the background: what is due there stays due until it is done, whatever dies in
 * between. One round at a time, and another one when there was a nudge meanwhile.
 */
export class Rounds {
  private running: Promise<void> | null = null;
  private nudged = false;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param doSome does some of what is due; false when nothing more is */
  constructor(
    private readonly doSome: () => Promise<boolean>,
    private readonly options: RoundsOptions,
    private readonly onError: (error: unknown) => void,
  ) {}

  get isStopped(): boolean {
    return this.stopped;
  }

  start(): void {
    this.timer = setInterval(() => this.nudge(), this.options.pollMs).unref();
    this.nudge();
  }

  /** There may be something to do. Returns at once. */
  nudge(): void {
    if (this.stopped) return;
    this.nudged = true;
    // Outside the request that happened to nudge: what the round logs is not about that one.
    this.running ??= withoutVariables(() => this.run()).finally(() => {
      this.running = null;
      if (this.nudged) this.nudge();
    });
  }

  /** Looks at once. Comes back when the round is over. */
  async look(): Promise<void> {
    this.nudge();
    await this.running;
  }

  /** What is on its way is waited for; what is still due stays due in the table. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private async run(): Promise<void> {
    try {
      while (this.nudged && !this.stopped) {
        this.nudged = false;
        while (!this.stopped && (await this.doSome()));
      }
    } catch (error) {
      this.onError(error);
    }
  }
}
