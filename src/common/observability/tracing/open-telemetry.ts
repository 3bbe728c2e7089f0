import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { core, NodeSDK, resources } from '@opentelemetry/sdk-node';
import type { Logger } from 'pino';
import type { Env } from '../../../config/env.js';
import { RequestSpans } from './request-spans.js';
import { Spans } from './spans.js';
import type { Tracing } from './tracing.js';

/** A collector that is away would otherwise fill the log. */
const QUIET_MS = 600_000;

/** OpenTelemetry's SDK as its environment variables set it up, for traces only. The rest of this folder uses its API. */
export function startOpenTelemetry(env: Env, logger: Logger): Tracing {
  const complaints = new Complaints(logger);
  complaints.listen();
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(
      resources.resourceFromAttributes({
        'service.name': env.OTEL_SERVICE_NAME,
        // Of several servers each has its own.
        'service.instance.id': randomUUID(),
      }),
    ),
    metricReaders: [],
    logRecordProcessors: [],
    // None: its second asynchronous storage would have its share in the cost of every promise. trace-context.ts has ours.
    contextManager: null as never,
  });
  // Again: with OTEL_LOG_LEVEL it has taken the console for its log, and stdout is for our lines.
  complaints.listen();
  sdk.start();
  complaints.hasStarted();
  logger.info('tracing is on');
  const tracer = trace.getTracer('watchlist-api');
  return {
    spans: new Spans(tracer),
    requests: new RequestSpans(tracer),
    stop: async (withinMs) => {
      // A collector that is away would be tried again and again, for ten seconds.
      const sent = sdk.shutdown().then(
        () => true,
        () => false,
      );
      if (!(await Promise.race([sent, sleep(withinMs, false, { ref: false })])))
        logger.warn('the last spans have not been sent');
      for (const api of [trace, propagation, diag]) api.disable();
    },
  };
}

/** What the SDK complains of: all of it while it starts, for that is about its variables, and then now and again. */
class Complaints {
  private isStarting = true;
  private quietUntil = 0;

  constructor(private readonly logger: Logger) {}

  listen(): void {
    const ignore = () => undefined;
    const say = (message: string) => this.say(message);
    diag.setLogger(
      { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    core.setGlobalErrorHandler((error) => {
      // Of the error no more: what else it carries is what the collector has answered.
      const { code, message } = error as Error & { code?: string | number };
      this.say(`spans could not be sent: ${[code, message].filter(Boolean).join(' ')}`);
    });
  }

  hasStarted(): void {
    this.isStarting = false;
  }

  private say(message: string): void {
    const now = performance.now();
    if (now < this.quietUntil) return;
    if (!this.isStarting) this.quietUntil = now + QUIET_MS;
    this.logger.warn({ context: 'OpenTelemetry' }, message);
  }
}
