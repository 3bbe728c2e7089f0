import { createWatchlistClient } from '@watchlist/client';
import { recorded } from './calls.js';

/** Every operation of the API, as nobody: for what begins and ends sessions. Each call is written down, too. */
export const anonymous = createWatchlistClient({ baseUrl: location.origin, fetch: recorded });
