import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { missingScopeError, UnauthorizedError } from './auth/access/auth.errors.js';
import { createHttpAdapter } from './common/http/server.js';
import { PinoLoggerService } from './common/observability/logging/nest-logger.js';
import { createMetrics } from './common/observability/metrics/metrics.module.js';
import { createOpenApiDocument, type TokenProblems } from './common/openapi/document.js';
import { startTracing } from './common/observability/tracing/tracing.js';
import type { Env } from './config/env.js';
import { serveDashboard } from './dashboard/dashboard-files.js';
import { serveRoot } from './dashboard/root.js';

const TOKEN_PROBLEMS: TokenProblems = {
  unauthorized: new UnauthorizedError(true),
  missingScope: missingScopeError,
};

/** Creates the whole server, which does not listen yet. `main.ts` runs it and the tests test it. */
export async function createApp(env: Env, logger: Logger): Promise<NestFastifyApplication> {
  await startTracing(env, logger);
  const metrics = await createMetrics(env);
  const adapter = await createHttpAdapter(env, logger, metrics);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(env, metrics), adapter, {
    bodyParser: false,
    logger: new PinoLoggerService(logger),
    abortOnError: false,
  });
  SwaggerModule.setup('docs', app, () => createOpenApiDocument(app, TOKEN_PROBLEMS), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Watchlist API',
    swaggerOptions: {
      displayRequestDuration: true,
      filter: true,
      persistAuthorization: true,
      tryItOutEnabled: true,
    },
  });
  const instance = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  instance.get('/favicon.ico', (_request, reply) => reply.code(204).send());
  const hasDashboard = serveDashboard(instance);
  serveRoot(instance, hasDashboard);
  if (!hasDashboard)
    logger.warn('the dashboard is not built, so /dashboard is not served; run `npm run build`');
  for (const warning of env.warnings) logger.warn(warning);
  return app;
}
