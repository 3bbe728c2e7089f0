import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { setImmediate as later } from 'node:timers/promises';
import {
  type AllWorkers,
  type PrimaryChannel,
  textOfAllWorkers,
} from '../../src/common/observability/metrics/all-workers.js';
import { Metrics } from '../../src/common/observability/metrics/metrics.js';

/** A worker and what it is to its primary, in one process: messages are copied, and arrive later, as between two. */
export class FakeWorker {
  readonly metrics = new Metrics();
  /** Whichever worker is asked for the metrics tells those of all. */
  readonly text: () => Promise<string>;
  /** It neither hears nor says anything. */
  isSilent = false;
  private readonly atPrimary = new EventEmitter();

  constructor(allWorkers: AllWorkers) {
    const inWorker = new EventEmitter();
    const carry = (to: EventEmitter, message: unknown) => {
      const copy: unknown = JSON.parse(JSON.stringify(message));
      void later().then(() => this.isSilent || to.emit('message', copy));
      return true;
    };
    const send = (message: unknown) => carry(this.atPrimary, message);
    this.text = textOfAllWorkers(this.metrics, Object.assign(inWorker, { send }) as PrimaryChannel);
    const worker = Object.assign(this.atPrimary, { send: (message: unknown) => carry(inWorker, message) });
    allWorkers.watch(worker as unknown as Worker);
    this.atPrimary.emit('listening');
  }

  end(): void {
    this.isSilent = true;
    this.atPrimary.emit('exit');
  }
}
