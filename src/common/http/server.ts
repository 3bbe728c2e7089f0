import { Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger as PinoLogger } from 'pino';
import type { Env } from '../../config/env.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { limitConnections } from './connection-limit.js';
import { EarlyChecks } from './early-checks.js';
import { registerHooks } from './hooks.js';
import { useStrictBodies } from './json-body.js';
import {
  HEADERS_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  MAXIMUM_HEAD_SIZE,
  REQUEST_TIMEOUT_MS,
} from './request-limits.js';

/** Creates Fastify for Nest, with its options, its body parsers and every hook of a request (hooks.ts). */
export async function createHttpAdapter(
  env: Env,
  logger: PinoLogger,
  metrics: Metrics | null,
): Promise<FastifyAdapter> {
  const checks = new EarlyChecks(env, metrics);
  const { http, routerOptions, ...wireOptions } = checks.wire.options;
  const adapter = new FastifyAdapter({
    ...wireOptions,
    http: { ...http, headersTimeout: HEADERS_TIMEOUT_MS },
    routerOptions: { ...routerOptions, maxParamLength: MAXIMUM_HEAD_SIZE },
    trustProxy: env.TRUST_PROXY.length > 0 ? env.TRUST_PROXY : false,
    bodyLimit: env.BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: env.KEEP_ALIVE_SECONDS * 1000,
    skipMiddie: true,
  });
  const instance = adapter.getInstance() as unknown as FastifyInstance;
  limitConnections(instance.server, env, new Logger('Http'));
  useStrictBodies(instance);
  checks.wire.attach(instance.server);
  await registerHooks(instance, { checks, env, logger, metrics });
  return adapter;
}
