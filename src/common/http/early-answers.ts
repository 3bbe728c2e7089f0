import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';

const answered = new WeakMap<Socket, IncomingMessage>();

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

/** To be told of each request that is refused, of which some may still be on its way. */
export function noteAnswer(request: IncomingMessage): void {
  if (!request.complete) answered.set(request.socket, request);
}

/** Whether what comes there now belongs to a request that has had its answer. */
export const isAnswered = (socket: Socket): boolean => answered.get(socket)?.complete === false;
