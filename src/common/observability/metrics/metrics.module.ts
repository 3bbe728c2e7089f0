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

/** `Metrics | null`: null when nobody may ask for them. */
export const METRICS = Symbol('METRICS');
const UNAUTHORIZED = Symbol('UNAUTHORIZED');

/** What is answered to who has not shown the token; `sentToken`: they have shown something. */
export type Unauthorized = (sentToken: boolean) => ProblemError;

export const hasMetrics = ({ METRICS_TOKEN, METRICS_PORT }: Env): boolean =>
  METRICS_TOKEN !== undefined || METRICS_PORT !== undefined;

/** What counts is not even loaded where nobody may ask. */
export async function createMetrics(env: Env): Promise<Metrics | null> {
  if (!hasMetrics(env)) return null;
  const { Metrics } = await import('./metrics.js');
  return new Metrics();
}

/** `/metrics`, where it is to be. */
@Injectable()
class MetricsServing implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  /** That of METRICS_PORT. */
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

  /** Before the port that everybody comes to: when this one cannot be had, nobody is served. */
  async onApplicationBootstrap(): Promise<void> {
    const { HOST: host, METRICS_PORT: port } = this.env;
    await listenOn('METRICS_PORT', host, async () => this.server?.listen({ host, port: port! }));
  }

  /** After the last request has been answered: until then there is something to see. */
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
