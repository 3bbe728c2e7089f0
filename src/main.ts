import 'reflect-metadata';
import cluster from 'node:cluster';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { listenOn } from './common/http/listen.js';
import { createLogger } from './common/observability/logging/logger.js';
import { hasMetrics } from './common/observability/metrics/metrics.module.js';
import type { AllWorkers } from './common/observability/metrics/all-workers.js';
import { type Env, InvalidEnvironmentError, loadEnv } from './config/env.js';
import { END_SIGNALS, endAtOnceOnSignals, endOnUncaughtErrors } from './common/process-signals.js';
import { Workers } from './workers.js';

async function main(): Promise<void> {
  const env = loadEnv();
  const isAlone = env.WEB_CONCURRENCY === 1;
  // Where several processes write one log, each line says whose it is.
  const logger = isAlone ? createLogger(env) : createLogger(env).child({ pid: process.pid });
  endOnUncaughtErrors(logger);
  if (cluster.isPrimary && !isAlone) new Workers(env, logger, await allWorkers(env)).run();
  else await serve(env, logger);
}

/** Not loaded where nobody may ask for metrics: the primary stays small. */
async function allWorkers(env: Env): Promise<AllWorkers | null> {
  if (!hasMetrics(env)) return null;
  const { AllWorkers } = await import('./common/observability/metrics/all-workers.js');
  return new AllWorkers(env.WEB_CONCURRENCY);
}

async function serve(env: Env, logger: Logger): Promise<void> {
  const hasBooted = endAtOnceOnSignals();
  // While there is nobody to serve: loading would leave the heap twice as large as what stays in it, and the space for
  // new objects up to sixteen times as large. Measured: idle 11 MiB less, the boot no slower.
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--semi-space-growth-factor=1');
  // Not above: the primary serves nothing, and stays small without it.
  const { createApp } = await import('./create-app.js');
  // What a worker could warn of, its primary has.
  const app = await createApp(cluster.isWorker ? { ...env, warnings: [] } : env, logger);
  await listenOn('PORT', env.HOST, () => app.listen(env.PORT, env.HOST));
  setFlagsFromString('--no-optimize-for-size');
  setFlagsFromString('--semi-space-growth-factor=2');
  // Left to itself, V8 lets garbage grow to twice what is in use before it looks. Measured: no slower, 60 MiB less.
  setFlagsFromString('--heap-growing-percent=60');
  hasBooted();
  // Ends with exit code 0 when everything in flight has been answered.
  app.enableShutdownHooks([...END_SIGNALS], { useProcessExit: true });
  if (cluster.isPrimary)
    logger.info(`listening on port ${env.PORT}; documentation at http://localhost:${env.PORT}/docs`);
}

main().catch((error: unknown) => {
  // Before or without a logger: to stderr. What is wrong with the environment needs no stack, and nothing needs
  // more than that: the error of a query carries the statement's parameters.
  const { message, stack } = error as Error;
  console.error(error instanceof InvalidEnvironmentError ? message : stack);
  process.exit(1);
});
