import createClient, { type Client, type ClientOptions } from 'openapi-fetch';
import type { components, paths } from './schema.js';

export type { ClientOptions, Middleware } from 'openapi-fetch';
export { authorize } from './authorize.js';
export {
  etagOf,
  type FieldError,
  isProblem,
  type Problem,
  ProblemError,
  retryAfterOf,
  UnexpectedAnswerError,
  unwrap,
} from './problem.js';
export { renewing, type Tokens } from './renewing.js';
export { honourRetryAfter, type RetryAfterOptions } from './retry-after.js';
export type { components, operations, paths } from './schema.js';

export type Item = components['schemas']['ItemResponse'];

export type WatchlistClient = Client<paths>;

/** Every operation of the API, typed by its OpenAPI document. */
export function createWatchlistClient(options: ClientOptions): WatchlistClient {
  return createClient<paths>(options);
}
