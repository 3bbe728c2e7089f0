import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

const answered = new WeakMap<Socket, IncomingMessage>();

/** To be told of each request that is refused, of which some may still be on its way. */
export function noteAnswer(request: IncomingMessage): void {
  if (!request.complete) answered.set(request.socket, request);
}

/** Whether what comes there now belongs to a request that has had its answer. */
export const isAnswered = (socket: Socket): boolean => answered.get(socket)?.complete === false;
