import type { Logger } from 'pino';
import type { Env } from '../../../config/env.js';
import type { RequestSpans } from './request-spans.js';
import type { Spans } from './spans.js';

export interface Tracing {
  readonly spans: Spans;
  readonly requests: RequestSpans;
  /** Sends the remaining spans and gives up after `timeoutMs`. Never rejects. */
  stop(timeoutMs: number): Promise<void>;
}

let running: Tracing | undefined;

/** Undefined while tracing is off. */
export const tracing = (): Tracing | undefined => running;

/** Loads OpenTelemetry only when tracing is on, because its packages are large. */
export async function startTracing(env: Env, logger: Logger): Promise<void> {
  if (!env.isTraced || running !== undefined) return;
  const { startOpenTelemetry } = await import('./open-telemetry.js');
  running = startOpenTelemetry(env, logger);
}

export async function stopTracing(timeoutMs: number): Promise<void> {
  const stopping = running;
  running = undefined;
  await stopping?.stop(timeoutMs);
}
