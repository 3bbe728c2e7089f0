import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const SAMPLE_INTERVAL_MS = 1000;

/** Measures the event loop's delay. `isOverloaded` says whether its mean of the last second exceeds the maximum. */
export class OverloadDetector {
  isOverloaded = false;
  private readonly histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly timer: NodeJS.Timeout;

  constructor(maximumDelayMs: number) {
    this.histogram.enable();
    this.timer = setInterval(() => {
      // The mean is NaN when the event loop was blocked for the whole second.
      this.isOverloaded = !(this.histogram.mean / 1e6 - RESOLUTION_MS <= maximumDelayMs);
      this.histogram.reset();
    }, SAMPLE_INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.timer);
    this.histogram.disable();
  }
}
