import type { Metrics } from '../observability/metrics/metrics.js';
import { ROUTE_POLICIES } from './rate-limits.js';

/** What was answered 429, by policy. `account`: a password may not be tried again yet. */
export const refusalsIn = (metrics: Metrics | null) =>
  metrics?.counter({
    name: 'watchlist_rate_limit_refusals_total',
    help: 'Requests that were refused for being too many (429), by policy.',
    label: ['policy', [...ROUTE_POLICIES, 'address', 'account']],
  });
