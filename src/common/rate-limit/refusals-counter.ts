import type { Metrics } from '../observability/metrics/metrics.js';
import { ROUTE_POLICIES } from './rate-limits.js';

/** Counts 429 responses. The policy `account` is the lockout after failed passwords. */
export const refusalsCounter = (metrics: Metrics | null) =>
  metrics?.counter({
    name: 'watchlist_rate_limit_refusals_total',
    help: 'Requests that were refused for being too many (429), by policy.',
    label: ['policy', [...ROUTE_POLICIES, 'address', 'account']],
  });
