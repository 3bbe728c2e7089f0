import type { Exchange } from './spans.js';
import { tracing } from './tracing.js';

/**
 * One HTTP exchange with somebody else's server.
 *
 * @param send is given the headers that tell that server which trace this is part of; none while tracing is off
 */
export function exchange<Answer extends { readonly status: number }>(
  what: Exchange,
  send: (headers: Record<string, string>) => Promise<Answer>,
): Promise<Answer> {
  return tracing()?.spans.exchange(what, send) ?? send({});
}
