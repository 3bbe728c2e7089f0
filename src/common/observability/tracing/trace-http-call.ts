import type { HttpCall } from './spans.js';
import { tracing } from './tracing.js';

/**
 * Traces one HTTP call to another server.
 *
 * @param send receives the trace headers to send; none while tracing is off
 */
export function traceHttpCall<Response extends { readonly status: number }>(
  call: HttpCall,
  send: (headers: Record<string, string>) => Promise<Response>,
): Promise<Response> {
  return tracing()?.spans.httpCall(call, send) ?? send({});
}
