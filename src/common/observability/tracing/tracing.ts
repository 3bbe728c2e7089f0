import type { Logger } from 'pino';
import type { Env } from '../../../config/env.js';
import type { RequestSpans } from './request-spans.js';
import type { Spans } from './spans.js';

export interface Tracing {
  /** What the server does for requests. */
  readonly spans: Spans;
  readonly requests: RequestSpans;
  /** Sends what has not been sent, if that takes no longer than so many milliseconds. Never rejects. */
  stop(withinMs: number): Promise<void>;
}

let running: Tracing | undefined;

/** Undefined while tracing is off. */
export const tracing = (): Tracing | undefined => running;

/** While it is off nothing of OpenTelemetry is loaded: its packages are as large as half of the rest. */
export async function startTracing(env: Env, logger: Logger): Promise<void> {
  if (!env.isTraced || running !== undefined) return;
  const { startOpenTelemetry } = await import('./open-telemetry.js');
  running = startOpenTelemetry(env, logger);
}

export async function stopTracing(withinMs: number): Promise<void> {
  const stopping = running;
  running = undefined;
  await stopping?.stop(withinMs);
}
