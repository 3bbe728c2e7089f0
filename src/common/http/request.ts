import type { ArgumentsHost } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** As much of the signed-in user as the shared machinery (limits, log) needs. */
export interface Caller {
  readonly id: number;
  /** The key that the rate limiter counts this caller's requests under. */
  readonly rateLimitKey: string;
}

/** `user` is where passport puts who is asking; absent on public routes. */
export type HttpRequest = FastifyRequest & { user?: Caller };
export type HttpReply = FastifyReply;

/** `switchToHttp()` says the same, and makes an object and three functions each time that it is asked. */
export const requestOf = <Request = HttpRequest>(host: ArgumentsHost): Request => host.getArgByIndex(0);
export const replyOf = (host: ArgumentsHost): HttpReply => host.getArgByIndex(1);
