import { type IncomingMessage, METHODS, type Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  BadRequestError,
  HeadersTooLargeError,
  RequestTimeoutError,
  UriTooLongError,
} from '../../errors/common.errors.js';
import type { ProblemError } from '../../errors/problem.error.js';
import { PROBLEM_MEDIA_TYPE } from '../../errors/problem.filter.js';
import { requestIdOf } from '../request-context.js';
import { LINGER_MS, MAXIMUM_HEAD_SIZE, MAXIMUM_URL_LENGTH } from '../request-limits.js';
import { SECURITY_HEADERS } from '../security-headers.js';

export interface ClientError extends Error {
  readonly code?: string;
  /** The bytes that Node's parser rejected; undefined after a timeout. */
  readonly rawPacket?: Buffer;
}

/** Method and target of a rejected request, if the last packet contains its beginning. */
function requestLineOf(packet: Buffer = Buffer.alloc(0)): {
  method: string;
  target: string;
  isComplete: boolean;
} {
  const [, method = '', target = '/', end] =
    /^([!#$%&'*+.^_`|~\w-]+) (\S+)( HTTP\/1\.[01]\r\n)?/.exec(
      packet.toString('latin1', 0, MAXIMUM_HEAD_SIZE),
    ) ?? [];
  return { method, target, isComplete: end !== undefined };
}

/** @param problemWithoutRoute is called for a method that Node does not know */
export function clientErrorProblem(
  { code, rawPacket }: ClientError,
  problemWithoutRoute: (method: string, target: string) => ProblemError,
): ProblemError {
  const { method, target, isComplete } = requestLineOf(rawPacket);
  if (isComplete && !METHODS.includes(method)) return problemWithoutRoute(method, target);
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return target.length > MAXIMUM_URL_LENGTH
        ? new UriTooLongError(MAXIMUM_URL_LENGTH)
        : new HeadersTooLargeError();
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RequestTimeoutError();
    default:
      return new BadRequestError('This is not a valid HTTP request.');
  }
}

/** Writes a problem to a socket that has no request, and ends the connection. */
export function writeProblem(
  socket: Socket,
  problem: ProblemError,
  extraHeaders: Readonly<Record<string, string>> = {},
): void {
  const requestId = requestIdOf({ headers: {} });
  const document = problem.toDocument(requestId, '/');
  const body = JSON.stringify(document);
  const headers = {
    ...SECURITY_HEADERS,
    ...extraHeaders,
    ...problem.headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-request-id': requestId,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${document.status} ${document.title}\r\n${lines.join('')}\r\n${body}`);
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
}

/** A server's listener for `timeout`. A reset frees the memory of a response that the client does not read. */
export function closeIdleConnection(socket: Socket): void {
  if (socket.writableLength > 0) socket.resetAndDestroy();
  else socket.destroy();
}

/** By default Node closes the connection on CONNECT and answers an unknown `Expect` with an empty 417. */
export function answerConnectAndExpect(
  server: Server,
  answerConnect: (socket: Socket, target: string) => void,
): void {
  server.on('connect', (message: IncomingMessage, socket: Socket) => {
    // Node no longer handles this socket: an error would end the process, and the socket would stay open.
    socket.on('error', () => socket.destroy());
    answerConnect(socket, message.url ?? '/');
    socket.destroySoon();
  });
  server.on('checkExpectation', (...exchange) => server.emit('request', ...exchange));
}

/** RFC 9112 requires exactly one Host header. HTTP/1.0 does not require it. */
export function hasHost({ httpVersion, rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === 'host') hosts++;
  }
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0');
}
