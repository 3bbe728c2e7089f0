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
import { requestIdOf } from '../request-id.js';
import { SECURITY_HEADERS } from '../security-headers.js';

export const MAXIMUM_URL_LENGTH = 8192;
/** Of the request line and the headers together. */
export const MAXIMUM_HEAD_SIZE = 16_384;

export interface BrokenRequest extends Error {
  readonly code?: string;
  /** What the parser gave up on; absent for what did not come in time. */
  readonly rawPacket?: Buffer;
}

/** What can still be told of a request that never became one, provided that its beginning came in the last packet. */
function requestLineOf(packet: Buffer = Buffer.alloc(0)): {
  method: string;
  target: string;
  isWhole: boolean;
} {
  const [, method = '', target = '/', end] =
    /^([!#$%&'*+.^_`|~\w-]+) (\S+)( HTTP\/1\.[01]\r\n)?/.exec(
      packet.toString('latin1', 0, MAXIMUM_HEAD_SIZE),
    ) ?? [];
  return { method, target, isWhole: end !== undefined };
}

/** `unroutable`: the answer to a method that Node has never heard of. */
export function brokenRequestProblem(
  { code, rawPacket }: BrokenRequest,
  unroutable: (method: string, target: string) => ProblemError,
): ProblemError {
  const { method, target, isWhole } = requestLineOf(rawPacket);
  if (isWhole && !METHODS.includes(method)) return unroutable(method, target);
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

/** For a socket on which there is no request to answer: written by hand, and the last thing on it. */
export function writeProblem(
  socket: Socket,
  problem: ProblemError,
  more: Readonly<Record<string, string>> = {},
): void {
  const requestId = requestIdOf({ headers: {} });
  const document = problem.toDocument(requestId, '/');
  const body = JSON.stringify(document);
  const headers = {
    ...SECURITY_HEADERS,
    ...more,
    ...problem.headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-request-id': requestId,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${document.status} ${document.title}\r\n${lines.join('')}\r\n${body}`);
}

/** Left to itself, Node closes the connection on CONNECT and answers an unknown `Expect` with an empty 417. */
export function answerConnectAndExpect(
  server: Server,
  answerConnect: (socket: Socket, target: string) => void,
): void {
  server.on('connect', (message: IncomingMessage, socket: Socket) => {
    // Node has let go of this socket: its errors would end the process, and nobody else would close it.
    socket.on('error', () => socket.destroy());
    answerConnect(socket, message.url ?? '/');
    socket.destroySoon();
  });
  server.on('checkExpectation', (...exchange) => server.emit('request', ...exchange));
}

/** RFC 9112: without a Host, or with two, nobody can say for whom a request is. HTTP/1.0 does not know it yet. */
export function hasHost({ httpVersion, rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === 'host') hosts++;
  }
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0');
}
