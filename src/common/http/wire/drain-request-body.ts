import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { FastifyInstance } from 'fastify';

/** Requests that had their answer before all of them had come; by connection, the last one. */
const answeredEarly = new WeakMap<Socket, IncomingMessage>();
const settling = new WeakSet<Socket>();

/**
 * An answer may be given while some of its request is still to come: what comes is thrown away, for as long as a request
 * may take. To close on a client that is still sending would be to reset the connection, and the answer is lost with it.
 */
export function letAnswerEarly(instance: FastifyInstance): void {
  instance.addHook('onSend', (request, reply, payload, done) => {
    answerEarly(request.raw, reply.raw);
    done(null, payload);
  });
}

/** For an answer that is given before any hook runs. */
export function answerEarly(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  answeredEarly.set(request.socket, request);
  if (!response.shouldKeepAlive) endWhenAllHasCome(request, response);
}

/** Where the connection ends with the answer: it goes out at once, and its end when the request has. */
function endWhenAllHasCome(request: IncomingMessage, response: ServerResponse): void {
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
