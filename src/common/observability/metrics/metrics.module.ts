import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { ENV, type Env } from '../../../config/env.js';
import type { ProblemError } from '../../errors/problem.error.js';
import { listenOn } from '../../http/listen.js';
import type { Metrics } from './metrics.js';

/** `Metrics | null`: null when metrics are off. */
export const METRICS = Symbol('METRICS');
const UNAUTHORIZED = Symbol('UNAUTHORIZED');

/** The error for a request without a valid token. `sentToken`: the request has an Authorization header. */
export type Unauthorized = (sentToken: boolean) => ProblemError;

export const hasMetrics = ({ METRICS_TOKEN, METRICS_PORT }: Env): boolean =>
  METRICS_TOKEN !== undefined || METRICS_PORT !== undefined;

/** Loads the metrics library only when metrics are on. */
export async function createMetrics(env: Env): Promise<Metrics | null> {
  if (!hasMetrics(env)) return null;
  const { Metrics } = await import('./metrics.js');
  return new Metrics();
}

@Injectable()
class MetricsServing implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  /** Listens on METRICS_PORT. */
  private server: FastifyInstance | undefined;

  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(ENV) private readonly env: Env,
    @Inject(METRICS) private readonly metrics: Metrics | null,
    @Inject(UNAUTHORIZED) private readonly unauthorized: Unauthorized,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.metrics === null) return;
    const { serveMetrics } = await import('./serve-metrics.js');
    const instance = this.host.httpAdapter.getInstance<FastifyInstance>();
    this.server = serveMetrics(instance, this.metrics, this.env, this.unauthorized);
  }

  /** Runs before the API listens, so that the server does not start if METRICS_PORT is not available. */
  async onApplicationBootstrap(): Promise<void> {
    const { HOST: host, METRICS_PORT: port } = this.env;
    if (this.server === undefined) return;
    const { server } = this;
    await listenOn('METRICS_PORT', host, server.server, (address) =>
      server.listen({ host: address, port: port! }),
    );
  }

  /** Runs after the API has answered its last request, so that metrics stay readable until then. */
  async onApplicationShutdown(): Promise<void> {
    await this.server?.close();
  }
}

@Module({})
export class MetricsModule {
  static forRoot(metrics: Metrics | null, unauthorized: Unauthorized): DynamicModule {
    return {
      module: MetricsModule,
      global: true,
      providers: [
        { provide: METRICS, useValue: metrics },
        { provide: UNAUTHORIZED, useValue: unauthorized },
        MetricsServing,
      ],
      exports: [METRICS],
    };
  }
}
