import type { Worker } from 'node:cluster';
import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import { DependencyDownError } from '../../errors/common.errors.js';
import type { Metrics, Snapshot } from './metrics.js';

/** Longer than a worker takes that answers at all: what it looks at has a second. */
const WORKER_TIMEOUT_MS = 2000;
const PRIMARY_TIMEOUT_MS = 3000;

/** Whichever worker is asked for the metrics asks the primary, which asks them all. */
type FromWorker = { readonly metrics: 'wanted' } | { readonly metrics: 'mine'; readonly snapshot: Snapshot };
type FromPrimary = { readonly metrics: 'yours?' } | { readonly metrics: 'all'; readonly text: string };

/** As much of a worker's `process` as is needed here. */
export interface PrimaryChannel {
  send(message: FromWorker, handle: undefined, done: () => void): boolean;
  on(event: 'message', listener: (message: FromPrimary) => void): unknown;
}

/** A worker's side: tells the primary what it has, and gets from it what all have. */
export function textOfAllWorkers(metrics: Metrics, primary: PrimaryChannel): () => Promise<string> {
  // A primary that has gone is noticed elsewhere.
  const send = (message: FromWorker) => primary.send(message, undefined, () => undefined);
  let asking: Promise<string> | undefined;
  let take: (text: string) => void = () => undefined;
  primary.on('message', (message) => {
    if (message.metrics === 'yours?')
      void metrics.snapshot().then((snapshot) => send({ metrics: 'mine', snapshot }));
    else if (message.metrics === 'all') take(message.text);
  });
  return () => {
    asking ??= new Promise<string>((resolve, reject) => {
      const giveUp = () => reject(new DependencyDownError('primary process'));
      const timer = setTimeout(giveUp, PRIMARY_TIMEOUT_MS);
      take = (text) => {
        clearTimeout(timer);
        resolve(text);
      };
      send({ metrics: 'wanted' });
    }).finally(() => (asking = undefined));
    return asking;
  };
}

/** What only ever goes up: must not go down because the process that counted it has ended, or is silent. */
const counted = (snapshot: Snapshot): Snapshot =>
  snapshot.filter(({ type }) => ['counter', 'histogram'].includes(type as unknown as string));

const together = (snapshots: readonly Snapshot[]) => AggregatorRegistry.aggregate([...snapshots]);

/** The primary's side: one answer of all workers, those that have ended included, and what it knows itself. */
export class AllWorkers {
  private readonly own = new Registry();
  private readonly exits: Counter;
  private readonly answering: Gauge;
  private readonly listening = new Set<Worker>();
  /** What each told last. */
  private readonly latest = new Map<Worker, Snapshot>();
  private readonly asked = new Map<Worker, (answer?: Snapshot) => void>();
  private ofEnded: Snapshot = [];
  private collecting: Promise<string> | undefined;

  constructor(configured: number) {
    const registers = [this.own];
    new Gauge({
      name: 'watchlist_workers_configured',
      help: 'Worker processes that there should be.',
      registers,
    }).set(configured);
    this.answering = new Gauge({
      name: 'watchlist_workers_answering',
      help: 'Worker processes that answered when they were asked for this.',
      registers,
    });
    this.exits = new Counter({
      name: 'watchlist_worker_exits_total',
      help: 'Worker processes that have ended, for whatever reason.',
      registers,
    });
    // The workers' own would say nothing together.
    new Gauge({
      name: 'process_start_time_seconds',
      help: 'Start time of the primary process since unix epoch in seconds.',
      registers,
    }).set(Date.now() / 1000 - process.uptime());
  }

  watch(worker: Worker): void {
    worker.once('listening', () => this.listening.add(worker));
    worker.on('message', (message: FromWorker) => {
      if (message.metrics === 'wanted')
        void this.text().then((text) => tell(worker, { metrics: 'all', text }));
      else if (message.metrics === 'mine') {
        this.latest.set(worker, message.snapshot);
        this.asked.get(worker)?.(message.snapshot);
      }
    });
    worker.once('exit', () => {
      this.exits.inc();
      this.listening.delete(worker);
      this.asked.get(worker)?.();
      this.ofEnded = together([
        this.ofEnded,
        counted(this.latest.get(worker) ?? []),
      ]).getMetricsAsArray() as Snapshot;
      this.latest.delete(worker);
    });
  }

  /** In the exposition format. */
  private text(): Promise<string> {
    this.collecting ??= this.collect().finally(() => (this.collecting = undefined));
    return this.collecting;
  }

  private async collect(): Promise<string> {
    const workers = [...this.listening];
    const answers = (await Promise.all(workers.map((worker) => this.ask(worker)))).filter(
      (answer) => answer !== undefined,
    );
    this.answering.set(answers.length);
    const ofSilent = [...this.latest.values()].filter((snapshot) => !answers.includes(snapshot)).map(counted);
    const all = together([...answers, ...ofSilent, this.ofEnded]);
    return `${await all.metrics()}\n${await this.own.metrics()}`;
  }

  /** What it has; undefined when it does not tell in time. */
  private ask(worker: Worker): Promise<Snapshot | undefined> {
    return new Promise<Snapshot | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), WORKER_TIMEOUT_MS);
      this.asked.set(worker, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      tell(worker, { metrics: 'yours?' });
    }).finally(() => this.asked.delete(worker));
  }
}

/** One that has just ended cannot be told any more. The second place is a connection's, which workers.ts looks at. */
function tell(worker: Worker, message: FromPrimary): void {
  worker.send(message, undefined, () => undefined);
}
