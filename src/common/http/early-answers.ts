import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { FastifyInstance } from 'fastify';

/** Requests that had their answer before all of them had come; by connection, the last one. */
const answeredEarly = new WeakMap<Socket, IncomingMessage>();
const settling = new WeakSet<Socket>();

/** To be told of each answer before it is sent. */
export function noteAnswer(request: IncomingMessage): void {
  if (!request.complete) answeredEarly.set(request.socket, request);
}

/** Of all but those that are given before any hook runs. */
export function noteAnswers(instance: FastifyInstance): void {
  instance.addHook('onSend', ({ raw }, _reply, payload, done) => {
    noteAnswer(raw);
    done(null, payload);
  });
}

/**
 * For a connection from which nothing more can be read: `answer` follows what is still to be answered there, so that
 * nobody takes it for another request's, and is left out where the request that broke off had an answer already, or
 * nobody listens any more.
 */
export function afterAnswers({ code }: { code?: string }, socket: Socket, answer: () => void): void {
  if (code === 'ECONNRESET') socket.destroy();
  if (settling.has(socket)) return;
  settling.add(socket);
  const next = () => {
    // Node's own name for the answer whose turn it is.
    const { _httpMessage: current } = socket as { _httpMessage?: ServerResponse | null };
    if (current && (current.req.complete || current.writableEnded)) current.once('finish', next);
    else if (socket.writable && answeredEarly.get(socket)?.complete !== false) answer();
    else socket.destroySoon();
  };
  next();
}

/**
 * Where the connection ends with the answer to a request of which some is still to come: the answer goes out at once, but
 * its end only when the rest has come (and is thrown away). To close on a client that is still sending is to reset the
 * connection, and the answer is lost with it.
 */
export function endWhenAllHasCome(request: IncomingMessage, response: ServerResponse): void {
  const end = response.end.bind(response);
  response.end = ((answer: string | null | undefined) => {
    if (typeof answer === 'string') response.write(answer);
    request.resume();
    finished(request).then(
      () => end(),
      () => end(),
    );
    return response;
  }) as typeof end;
}
