/** The path and the query together, in characters. */
export const MAXIMUM_URL_LENGTH = 8192;
/** The request line and the headers together, in bytes. */
export const MAXIMUM_HEAD_SIZE = 16_384;

export const HEADERS_TIMEOUT_MS = 5_000;
/** The whole request, including its body. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than the idle time of common load balancers, so that the balancer closes idle connections, not the server. */
export const KEEP_ALIVE_TIMEOUT_MS = 72_000;
