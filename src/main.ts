import 'reflect-metadata';
import { listenOn } from './common/http/listen.js';
import { createLogger } from './common/observability/logging/logger.js';
import { InvalidEnvironmentError } from './config/errors.js';
import { loadEnv } from './config/load-env.js';
import { END_SIGNALS, endAtOnceOnSignals, endOnUncaughtErrors } from './common/process-signals.js';

async function main(): Promise<void> {
  const env = loadEnv();
  const logger = createLogger(env);
  endOnUncaughtErrors(logger);
  const hasBooted = endAtOnceOnSignals();
  const { createApp } = await import('./create-app.js');
  const app = await createApp(env, logger);
  await listenOn('PORT', env.HOST, () => app.listen(env.PORT, env.HOST));
  hasBooted();
  // Ends with exit code 0 when everything in flight has been answered.
  app.enableShutdownHooks([...END_SIGNALS], { useProcessExit: true });
  logger.info(`listening on port ${env.PORT}; documentation at http://localhost:${env.PORT}/docs`);
}

main().catch((error: unknown) => {
  // Before or without a logger: to stderr. What is wrong with the environment needs no stack, and nothing needs
  // more than that: the error of a query carries the statement's parameters.
  const { message, stack } = error as Error;
  console.error(error instanceof InvalidEnvironmentError ? message : stack);
  process.exit(1);
});
