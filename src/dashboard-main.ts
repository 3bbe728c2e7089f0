import { Logger } from '@nestjs/common';
import { listenOn } from './common/http/listen.js';
import { createLogger, PinoLoggerService } from './common/observability/logging/logger.js';
import { loadDashboardEnv } from './config/dashboard-env.js';
import { InvalidEnvironmentError } from './config/env.js';
import { createDashboardServer } from './dashboard/dashboard-server.js';
import { END_SIGNALS } from './common/process-signals.js';

/** After this, connections of whoever does not read their answer are cut. */
const DEADLINE_MS = 8000;

// `node dist/dashboard-main.js`: the dashboard by itself, in front of an API that is somewhere else.
async function main(): Promise<void> {
  const env = loadDashboardEnv();
  Logger.overrideLogger(new PinoLoggerService(createLogger({ LOG_LEVEL: 'info', NODE_ENV: 'production' })));
  const server = createDashboardServer(env);
  await listenOn('PORT', env.HOST, () => server.listen({ host: env.HOST, port: env.PORT }));
  for (const signal of END_SIGNALS) {
    process.once(signal, () => {
      setTimeout(() => server.server.closeAllConnections(), DEADLINE_MS).unref();
      void server.close();
    });
  }
  const { origin, pathname } = env.API_BASE_URL;
  console.log(`listening on port ${env.PORT}; the API is at ${origin}${pathname}`);
}

main().catch((error: unknown) => {
  const { message, stack } = error as Error;
  console.error(error instanceof InvalidEnvironmentError ? message : stack);
  process.exit(1);
});
