import 'reflect-metadata';
import { isIPv6 } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { listenOn } from './common/http/listen.js';
import { createLogger } from './common/observability/logging/logger.js';
import { InvalidEnvironmentError } from './config/errors.js';
import { loadEnv } from './config/load-env.js';
import { END_SIGNALS, endAtOnceOnSignals, endOnUncaughtErrors } from './common/process-signals.js';

/** The server can listen on several addresses. HOST can stand for several, and PORT=0 for any port. */
const addressesOf = (app: NestFastifyApplication) =>
  app
    .getHttpAdapter()
    .getInstance()
    .addresses()
    .filter((address) => typeof address === 'object');

const urlsOf = (app: NestFastifyApplication) =>
  addressesOf(app).map(({ address, port }) => `http://${isIPv6(address) ? `[${address}]` : address}:${port}`);

/** Where a person at this machine finds the dashboard. */
function dashboardUrl(app: NestFastifyApplication, host: string): string {
  const isEverywhere = ['0.0.0.0', '::'].includes(host);
  const [url] = isEverywhere ? [`http://localhost:${addressesOf(app)[0]!.port}`] : urlsOf(app);
  return `${url}/dashboard`;
}

async function main(): Promise<void> {
  const env = loadEnv();
  const logger = createLogger(env);
  endOnUncaughtErrors(logger);
  const hasBooted = endAtOnceOnSignals();
  const { createApp } = await import('./create-app.js');
  const app = await createApp(env, logger);
  await listenOn('PORT', env.HOST, app.getHttpServer(), (address) => app.listen(env.PORT, address));
  hasBooted();
  // The process exits with code 0 after the last response.
  app.enableShutdownHooks([...END_SIGNALS], { useProcessExit: true });
  logger.info(`listening on ${urlsOf(app).join(', ')}`);
  logger.info(`Watchlist is running: ${dashboardUrl(app, env.HOST)} (API: /docs)`);
}

main().catch((error: unknown) => {
  // There may be no logger yet, so the message goes to stderr. Other properties of an error are left out, because the
  // error of a query has the statement's parameters. An invalid environment needs no stack.
  const { message, stack } = error as Error;
  console.error(error instanceof InvalidEnvironmentError ? message : stack);
  process.exit(1);
});
