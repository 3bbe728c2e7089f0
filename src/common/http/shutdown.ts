import type { Server } from 'node:http';
import {
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ShuttingDownError } from '../errors/common.errors.js';
import { closeOtherListeners } from './listen.js';
import { drainStdout } from '../observability/logging/stdout.js';

const CLOSE_IDLE_INTERVAL_MS = 100;
/** After this time the server closes connections that still have a request in progress. */
const DEADLINE_MS = 8000;

/**
 * Health checks get a response until the last connection closes. Otherwise an orchestrator could kill the process
 * before it has finished. The readiness check itself reports that the process is shutting down.
 */
const ALLOWED_ROUTES = new Set<string | undefined>(['/health/live', '/health/ready']);

const shuttingDown = new WeakSet<Server>();
const isShuttingDown = ({ server }: FastifyRequest) => shuttingDown.has(server.server);

/** An onRequest hook. */
export function rejectWhileShuttingDown(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const isRejected = isShuttingDown(request) && !ALLOWED_ROUTES.has(request.routeOptions.url);
  done(isRejected ? new ShuttingDownError() : undefined);
}

/** An onSend hook. */
export function closeWhileShuttingDown<Payload>(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: Payload,
  done: (error: null, payload: Payload) => void,
): void {
  if (isShuttingDown(request)) reply.header('connection', 'close');
  done(null, payload);
}

/**
 * On SIGTERM the server finishes the requests in progress, answers new ones with 503 and closes idle connections.
 * Node alone would wait for every keep-alive connection to time out, which takes more than a minute.
 */
@Injectable()
export class GracefulShutdown implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
  private otherListenersClosed: Promise<void> | undefined;

  constructor(private readonly host: HttpAdapterHost) {}

  /** True after SIGTERM. */
  get isShuttingDown(): boolean {
    return shuttingDown.has(this.server);
  }

  /** Nest calls this first, before the server stops listening. */
  onModuleDestroy(): void {
    const { server } = this;
    shuttingDown.add(server);
    this.otherListenersClosed = closeOtherListeners(server);
    const closeIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_INTERVAL_MS);
    const deadline = setTimeout(() => server.closeAllConnections(), DEADLINE_MS);
    server.once('close', () => {
      clearInterval(closeIdle);
      clearTimeout(deadline);
    });
    closeIdle.unref();
    deadline.unref();
  }

  /** Nest calls this before it closes the server, which does not wait for connections of the other listeners. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.otherListenersClosed;
  }

  /** Nest calls this last, before it ends the process. */
  onApplicationShutdown(): Promise<void> {
    return drainStdout();
  }

  private get server(): Server {
    return this.host.httpAdapter.getHttpServer() as Server;
  }
}

@Module({ providers: [GracefulShutdown], exports: [GracefulShutdown] })
export class ShutdownModule {}
