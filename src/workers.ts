import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import type { AllWorkers } from './common/observability/metrics/all-workers.js';
import type { Env } from './config/env.js';
import { END_SIGNALS } from './common/process-signals.js';

/**
 * From SIGTERM on. A worker cuts what is in flight after 8 s (shutdown.ts) and may then wait 5 s for a
 * delivery; Docker Compose kills us after 15 s.
 */
const KILL_AFTER_MS = 14_000;
/** Who ends sooner is replaced after a pause: the longer, the more often that has happened in a row. */
const SETTLED_AFTER_MS = 30_000;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 10_000;

/** Node's own handle of a socket; once it has been closed, closing it does nothing. */
interface Connection {
  close(): void;
}

/** The primary process: it starts the workers, replaces those that end, and ends them all. It serves nothing itself. */
export class Workers {
  private readonly startedAt = new Map<Worker, number>();
  private readonly listening = new Set<Worker>();
  /** Node hands a worker the next one when it has taken the last. */
  private readonly handedOver = new Map<Worker, Connection>();
  private hasStarted = false;
  private isComplete = false;
  private shortLives = 0;
  private exitCode: number | undefined;

  constructor(
    private readonly env: Env,
    private readonly logger: Logger,
    private readonly metrics: AllWorkers | null,
  ) {}

  /** Ends the process after the last worker: with 0 when that was orderly. */
  run(): void {
    for (const warning of this.env.warnings) this.logger.warn(warning);
    cluster.on('listening', (worker, { port }) => this.onListening(worker, port));
    cluster.on('exit', (worker, code, signal) => this.onExit(worker, code, signal ?? `exit code ${code}`));
    for (const signal of END_SIGNALS) process.on(signal, () => this.stop(0));
    // One at first: it migrates, and what keeps it from starting is said once.
    this.start();
  }

  private start(): void {
    const worker = cluster.fork();
    this.startedAt.set(worker, performance.now());
    this.metrics?.watch(worker);
    if (worker.process.pid !== undefined) this.closeWhatIsNotTaken(worker);
    worker.on('error', (error: NodeJS.ErrnoException) => {
      // With a pid: something could not be sent to it because it has just ended, and its exit is what counts.
      if (worker.process.pid === undefined) this.onExit(worker, 1, String(error.code));
    });
  }

  private onListening(worker: Worker, port: number): void {
    // A worker listens there first.
    if (port === this.env.METRICS_PORT) return;
    this.listening.add(worker);
    if (this.exitCode !== undefined) return;
    if (!this.hasStarted) {
      this.hasStarted = true;
      for (let n = 1; n < this.env.WEB_CONCURRENCY; n++) this.start();
    }
    if (this.isComplete) this.logger.info(`worker ${worker.process.pid} is listening`);
    else if (this.listening.size === this.env.WEB_CONCURRENCY) {
      this.isComplete = true;
      this.logger.info(
        `listening on port ${port} with ${this.listening.size} workers; documentation at http://localhost:${port}/docs`,
      );
    }
  }

  private onExit(worker: Worker, code: number | null, how: string): void {
    const lived = performance.now() - this.startedAt.get(worker)!;
    const hasServed = this.listening.delete(worker);
    this.startedAt.delete(worker);
    if (this.exitCode !== undefined) {
      if (hasServed && code !== 0) {
        this.exitCode ||= 1;
        this.logger.error(`worker ${worker.process.pid} did not end in order: ${how}`);
      }
      this.exitAfterTheLast(this.exitCode);
    } else if (!hasServed && this.listening.size === 0) {
      // Nobody serves and nobody can start: for whoever started us to know, and to decide.
      this.logger.error(
        `worker ${worker.process.pid} could not start (${how}), and no other one is listening`,
      );
      this.stop(code || 1);
    } else {
      this.shortLives = lived < SETTLED_AFTER_MS ? this.shortLives + 1 : 0;
      const pause = Math.min(SHORTEST_PAUSE_MS * 2 ** this.shortLives, LONGEST_PAUSE_MS);
      this.logger.warn(`worker ${worker.process.pid} ended (${how}); another one starts in ${pause} ms`);
      setTimeout(() => this.exitCode === undefined && this.start(), pause);
    }
  }

  private stop(exitCode: number): void {
    if (this.exitCode !== undefined) return;
    this.exitCode = exitCode;
    const tellAll = (signal: NodeJS.Signals) => {
      for (const worker of this.startedAt.keys()) worker.process.kill(signal);
    };
    tellAll('SIGTERM');
    setTimeout(() => tellAll('SIGKILL'), KILL_AFTER_MS);
    this.exitAfterTheLast(exitCode);
  }

  private exitAfterTheLast(exitCode: number): void {
    if (this.startedAt.size === 0) process.exit(exitCode);
  }

  /**
   * Node forgets a connection that a worker does not take, because it dies or because it was the last to stop
   * listening, and leaves it open here: its client would wait for as long as we run.
   */
  private closeWhatIsNotTaken(worker: Worker): void {
    const child = worker.process;
    const send = child.send.bind(child) as (...message: unknown[]) => boolean;
    child.send = (...message: unknown[]) => {
      if (message[1]) this.handedOver.set(worker, message[1] as Connection);
      return send(...message);
    };
    // Node has heard it first, and given the connection to another one that is free.
    child.on('internalMessage' as 'message', (message: { accepted?: boolean }) => {
      if (message.accepted !== false) return;
      const returned = this.takeBack(worker);
      if (this.exitCode !== undefined) returned?.close();
    });
    worker.once('exit', () => this.takeBack(worker)?.close());
  }

  /** What this worker was handed last and no other one has been handed since. */
  private takeBack(worker: Worker): Connection | undefined {
    const connection = this.handedOver.get(worker);
    this.handedOver.delete(worker);
    return [...this.handedOver.values()].includes(connection!) ? undefined : connection;
  }
}
