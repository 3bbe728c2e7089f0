/** The path and the query together, in characters. */
export const MAXIMUM_URL_LENGTH = 8192;
/** The request line and the headers together, in bytes. */
export const MAXIMUM_HEAD_SIZE = 16_384;

export const HEADERS_TIMEOUT_MS = 5_000;
/** The whole request, including its body. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** A connection on which nothing moves for this long is closed, also while it has a response that the client does not read. */
export const IDLE_TIMEOUT_MS = 45_000;
/** How long a client can keep its half of a connection open after the server has ended its own. */
export const LINGER_MS = 2_000;
