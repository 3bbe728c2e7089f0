import type { Server } from 'node:http';
import {
  Injectable,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { ShuttingDownError } from '../errors/common.errors.js';
import { drainStdout } from '../observability/logging/stdout.js';

const SWEEP_INTERVAL_MS = 100;
/** After this, connections that still hold a request are cut. */
const DEADLINE_MS = 8000;

/**
 * Answered until the last connection closes: an orchestrator must not kill the process while it finishes, and the
 * readiness check says in its own words that the process is not ready.
 */
const ANSWERED_WHILE_DRAINING = new Set<string | undefined>(['/health/live', '/health/ready']);

/**
 * On SIGTERM requests in flight finish, new ones get 503, and connections close when they fall idle.
 * Node alone would wait until every keep-alive connection times out, more than a minute.
 */
@Injectable()
export class GracefulShutdown implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private draining = false;

  constructor(private readonly host: HttpAdapterHost) {}

  /** From SIGTERM on. */
  get isDraining(): boolean {
    return this.draining;
  }

  onModuleInit(): void {
    const instance = this.host.httpAdapter.getInstance<FastifyInstance>();
    instance.addHook('onRequest', ({ routeOptions }, _reply, done) => {
      const isRefused = this.draining && !ANSWERED_WHILE_DRAINING.has(routeOptions.url);
      done(isRefused ? new ShuttingDownError() : undefined);
    });
    instance.addHook('onSend', (_request, reply, payload, done) => {
      if (this.draining) reply.header('connection', 'close');
      done(null, payload);
    });
  }

  /** Nest calls this first, before the server stops listening. */
  onModuleDestroy(): void {
    this.draining = true;
    const server = this.host.httpAdapter.getHttpServer() as Server;
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_INTERVAL_MS);
    const deadline = setTimeout(() => server.closeAllConnections(), DEADLINE_MS);
    server.once('close', () => {
      clearInterval(sweep);
      clearTimeout(deadline);
    });
    sweep.unref();
    deadline.unref();
  }

  /** Nest calls this last, before it ends the process. */
  onApplicationShutdown(): Promise<void> {
    return drainStdout();
  }
}

@Module({ providers: [GracefulShutdown], exports: [GracefulShutdown] })
export class ShutdownModule {}
