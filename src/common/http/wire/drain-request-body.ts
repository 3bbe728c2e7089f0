import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Per socket, the last request answered before its body was fully received. */
const answeredEarly = new WeakMap<Socket, IncomingMessage>();
const settling = new WeakSet<Socket>();

/**
 * An onSend hook: reads and drops the rest of the body. If the server closed the connection while the client is still
 * sending, the connection would be reset and the client would lose the response.
 */
export function drainRequestBody<Payload>(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: Payload,
  done: (error: null, payload: Payload) => void,
): void {
  drainEarlyResponse(request.raw, reply.raw);
  done(null, payload);
}

/** The same for a response that is sent before any hook runs. */
export function drainEarlyResponse(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  answeredEarly.set(request.socket, request);
  if (!response.shouldKeepAlive) endAfterRequest(request, response);
}

/** Sends the response at once, but ends it (and so the connection) only after the whole request has arrived. */
function endAfterRequest(request: IncomingMessage, response: ServerResponse): void {
  const end = response.end.bind(response);
  response.end = ((rest: string | Buffer | null | undefined) => {
    if (rest) response.write(rest);
    request.resume();
    finished(request).then(
      () => end(),
      () => end(),
    );
    return response;
  }) as typeof end;
}

/**
 * Waits for pending responses on this socket, then calls `write`, so that the error cannot be mistaken for another
 * request's response. Does not call it if the broken request already has a response or the client has disconnected.
 */
export function afterPendingResponses({ code }: { code?: string }, socket: Socket, write: () => void): void {
  if (code === 'ECONNRESET') socket.destroy();
  if (settling.has(socket)) return;
  settling.add(socket);
  const next = () => {
    // Node keeps the response that it is sending on this socket under this name.
    const { _httpMessage: current } = socket as { _httpMessage?: ServerResponse | null };
    if (current && (current.req.complete || current.writableEnded)) current.once('finish', next);
    else if (socket.writable && answeredEarly.get(socket)?.complete !== false) write();
    else socket.destroySoon();
  };
  next();
}
