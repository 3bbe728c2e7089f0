import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { withTimeout } from '../../with-timeout.js';

/** The exposition format. */
export const METRICS_MEDIA_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * Default metrics of prom-client that are removed. Counting active handles is slow, and its `_total` metrics are not
 * counters. The event loop metrics are NaN when nothing was measured since the last scrape.
 */
const REMOVED_DEFAULTS = [
  ...['handles', 'requests', 'resources'].flatMap((what) => [
    `nodejs_active_${what}`,
    `nodejs_active_${what}_total`,
  ]),
  ...['min', 'mean', 'stddev'].map((what) => `nodejs_eventloop_lag_${what}_seconds`),
];

interface Described {
  readonly name: string;
  readonly help: string;
}

export interface CounterOptions<Label extends string> extends Described {
  /** A label and all its possible values. */
  readonly label?: readonly [name: Label, values: readonly string[]];
}

export interface GaugeOptions extends Described {
  /** Called for each scrape. Concurrent scrapes share one call, and each waits for one second at most. */
  read(): number | Promise<number>;
  /** The value if `read` fails or is late. Without a fallback the gauge then has no value. */
  readonly fallback?: number;
  /** Scrapes within this time share one value. */
  readonly maxAgeMs?: number;
}

export interface HistogramOptions<Label extends string> extends Described {
  readonly labels: readonly Label[];
  readonly buckets: readonly number[];
}

/**
 * The metrics of this process. `Metrics | null` is null when metrics are off.
 * A label must have few values, so never use an id, an address or a path.
 */
export class Metrics {
  private readonly registry = new Registry();
  private rendering: Promise<string> | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const name of REMOVED_DEFAULTS) this.registry.removeSingleMetric(name);
  }

  /** Returns the existing counter of this name, if there is one. Each label value starts at 0. */
  counter<Label extends string>({ name, help, label }: CounterOptions<Label>): Counter<Label> {
    const known = this.registry.getSingleMetric<Label>(name);
    if (known !== undefined) return known as Counter<Label>;
    const labelNames = label === undefined ? [] : [label[0]];
    const counter = new Counter<Label>({ name, help, labelNames, registers: [this.registry] });
    for (const value of label?.[1] ?? []) counter.labels(value).inc(0);
    return counter;
  }

  gauge({ name, help, read, fallback, maxAgeMs }: GaugeOptions): void {
    const readShared = shareReads(read, maxAgeMs);
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [],
      collect: async () => {
        const value = (await readShared()) ?? fallback;
        if (value === undefined) gauge.remove();
        else gauge.set(value);
      },
    });
    this.registry.registerMetric(gauge);
  }

  histogram<Label extends string>({
    name,
    help,
    labels,
    buckets,
  }: HistogramOptions<Label>): Histogram<Label> {
    return new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [this.registry],
    });
  }

  /** All metrics in the exposition format. Concurrent scrapes share one result, because rendering is slow. */
  text(): Promise<string> {
    this.rendering ??= this.registry.metrics().finally(() => (this.rendering = undefined));
    return this.rendering;
  }
}

/** Calls `read` once at a time, waits for one second at most, and keeps the value for `maxAgeMs`. */
function shareReads(read: () => number | Promise<number>, maxAgeMs = 0): () => Promise<number | undefined> {
  let pending: Promise<number> | undefined;
  let last: { readonly value: number; readonly until: number } | undefined;
  return async () => {
    if (last !== undefined && performance.now() < last.until) return last.value;
    return withTimeout(() => {
      // A late call stays pending, so that there is never a second one.
      pending ??= (async () => read())()
        .then((value) => {
          last = { value, until: performance.now() + maxAgeMs };
          return value;
        })
        .finally(() => (pending = undefined));
      return pending;
    });
  };
}
