import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { inTime } from '../../with-timeout.js';

/** The exposition format. */
export const METRICS_MEDIA_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * Of the library's own: counting what is open walks all of it, and those named `_total` are no counters; the others
 * are not numbers when nothing was measured since the last time that somebody asked.
 */
const NOT_WANTED = [
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
  /** A label and all the values that it can have. */
  readonly label?: readonly [name: Label, values: readonly string[]];
}

export interface GaugeOptions extends Described {
  /**
   * Called when somebody asks for the metrics. What takes its time is asked for once for all who ask meanwhile, and not
   * waited for longer than a second.
   */
  read(): number | Promise<number>;
  /** The value where `read` fails or is late; without it there is none then. */
  readonly otherwise?: number;
  /** For how long a value is good enough, in milliseconds. */
  readonly keptMs?: number;
}

export interface HistogramOptions<Label extends string> extends Described {
  readonly labels: readonly Label[];
  readonly buckets: readonly number[];
}

/**
 * What this process tells of itself in numbers. There is one only where somebody may ask for them: everywhere else
 * `Metrics | null` is null, and nothing is counted. Labels have few values: never an id, an address or a path as it came.
 */
export class Metrics {
  private readonly registry = new Registry();
  private rendering: Promise<string> | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const name of NOT_WANTED) this.registry.removeSingleMetric(name);
  }

  /** Whoever asks for one that is there already shares it. Each of its values is there from the beginning, as 0. */
  counter<Label extends string>({ name, help, label }: CounterOptions<Label>): Counter<Label> {
    const known = this.registry.getSingleMetric<Label>(name);
    if (known !== undefined) return known as Counter<Label>;
    const labelNames = label === undefined ? [] : [label[0]];
    const counter = new Counter<Label>({ name, help, labelNames, registers: [this.registry] });
    for (const value of label?.[1] ?? []) counter.labels(value).inc(0);
    return counter;
  }

  gauge({ name, help, read, otherwise, keptMs }: GaugeOptions): void {
    const look = asked(read, keptMs);
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [],
      collect: async () => {
        const value = (await look()) ?? otherwise;
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

  /** In the exposition format. To write it takes its time: who asks meanwhile gets the same. */
  text(): Promise<string> {
    this.rendering ??= this.registry.metrics().finally(() => (this.rendering = undefined));
    return this.rendering;
  }
}

/** `read`, asked once at a time, for a second at most, and again only when its last answer is no longer good. */
function asked(read: () => number | Promise<number>, keptMs = 0): () => Promise<number | undefined> {
  let asking: Promise<number> | undefined;
  let kept: { readonly value: number; readonly until: number } | undefined;
  return async () => {
    if (kept !== undefined && performance.now() < kept.until) return kept.value;
    return inTime(() => {
      // As long as one has not come back, however late, there is no second one.
      asking ??= (async () => read())()
        .then((value) => {
          kept = { value, until: performance.now() + keptMs };
          return value;
        })
        .finally(() => (asking = undefined));
      return asking;
    });
  };
}
