import 'reflect-metadata';
import { createApp } from './app.setup.js';
import { createLogger } from './common/http/logging.js';
import { InvalidEnvironmentError, loadEnv } from './config/env.js';

async function main(): Promise<void> {
  const env = loadEnv();
  const logger = createLogger(env);
  const app = await createApp(env, logger);
  // Ends with exit code 0 when everything in flight has been answered.
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await app.listen(env.PORT, env.HOST);
  logger.info(`listening on port ${env.PORT}; documentation at http://localhost:${env.PORT}/docs`);
}

main().catch((error: unknown) => {
  // Before or without a logger: to stderr. What is wrong with the environment needs no stack, and nothing needs
  // more than that: the error of a query carries the statement's parameters.
  const { message, stack } = error as Error;
  console.error(error instanceof InvalidEnvironmentError ? message : stack);
  process.exit(1);
});
