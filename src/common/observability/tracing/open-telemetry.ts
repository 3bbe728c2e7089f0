import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { core, NodeSDK, resources } from '@opentelemetry/sdk-node';
import type { Logger } from 'pino';
import type { Env } from '../../../config/env.js';
import { RequestSpans } from './request-spans.js';
import { Spans } from './spans.js';
import type { Tracing } from './tracing.js';

/** Logs one problem per interval, so that an unreachable collector does not fill the log. */
const THROTTLE_MS = 600_000;

/** Starts OpenTelemetry's SDK for traces, configured by its own environment variables. Other files use only its API. */
export function startOpenTelemetry(env: Env, logger: Logger): Tracing {
  const diagLogger = new DiagLogger(logger);
  diagLogger.listen();
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(
      resources.resourceFromAttributes({
        'service.name': env.OTEL_SERVICE_NAME,
        // Tells several servers apart.
        'service.instance.id': randomUUID(),
      }),
    ),
    metricReaders: [],
    logRecordProcessors: [],
    // trace-context.ts replaces it, because a second asynchronous storage makes every promise slower.
    contextManager: null as never,
  });
  // Again, because with OTEL_LOG_LEVEL the SDK has set the console as its logger, and stdout is for JSON lines.
  diagLogger.listen();
  sdk.start();
  diagLogger.hasStarted();
  logger.info('tracing is on');
  const tracer = trace.getTracer('watchlist-api');
  return {
    spans: new Spans(tracer),
    requests: new RequestSpans(tracer),
    stop: async (timeoutMs) => {
      // The SDK itself would retry an unreachable collector for ten seconds.
      const sent = sdk.shutdown().then(
        () => true,
        () => false,
      );
      if (!(await Promise.race([sent, sleep(timeoutMs, false, { ref: false })])))
        logger.warn('the last spans were not sent');
      for (const api of [trace, propagation, diag]) api.disable();
    },
  };
}

/** Logs the SDK's problems. While it starts it logs all of them, because they concern its variables. */
class DiagLogger {
  private isStarting = true;
  private throttledUntil = 0;

  constructor(private readonly logger: Logger) {}

  listen(): void {
    const ignore = () => undefined;
    const warn = (message: string) => this.warn(message);
    diag.setLogger(
      { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    core.setGlobalErrorHandler((error) => {
      // Other properties of the error contain the collector's response.
      const { code, message } = error as Error & { code?: string | number };
      this.warn(`spans could not be sent: ${[code, message].filter(Boolean).join(' ')}`);
    });
  }

  hasStarted(): void {
    this.isStarting = false;
  }

  private warn(message: string): void {
    const now = performance.now();
    if (now < this.throttledUntil) return;
    if (!this.isStarting) this.throttledUntil = now + THROTTLE_MS;
    this.logger.warn({ context: 'OpenTelemetry' }, message);
  }
}
