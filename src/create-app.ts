import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { missingScope, UnauthorizedError } from './auth/access/auth.errors.js';
import { createHttpAdapter } from './common/http/server.js';
import { PinoLoggerService } from './common/observability/logging/nest-logger.js';
import { logRequests } from './common/observability/logging/request-log.js';
import { createMetrics } from './common/observability/metrics/metrics.module.js';
import { createOpenApiDocument, type TokenProblems } from './common/openapi/document.js';
import { startTracing } from './common/observability/tracing/tracing.js';
import type { Env } from './config/env.js';
import { serveDashboard } from './dashboard/dashboard-files.js';

const TOKEN_PROBLEMS: TokenProblems = {
  unauthorized: new UnauthorizedError(true),
  missingScope,
};

/** The whole server except for listening; what `main.ts` runs and what the tests test. */
export async function createApp(env: Env, logger: Logger): Promise<NestFastifyApplication> {
  await startTracing(env, logger);
  const metrics = await createMetrics(env);
  const adapter = await createHttpAdapter(env, metrics);
  logRequests(adapter.getInstance() as unknown as FastifyInstance, logger);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(env, metrics), adapter, {
    bodyParser: false,
    logger: new PinoLoggerService(logger),
    abortOnError: false,
  });
  SwaggerModule.setup('docs', app, () => createOpenApiDocument(app, TOKEN_PROBLEMS), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Watchlist API',
    swaggerOptions: { displayRequestDuration: true, tryItOutEnabled: true },
  });
  const instance = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  instance.get('/favicon.ico', (_request, reply) => reply.code(204).send());
  if (!serveDashboard(instance)) logger.warn('/dashboard is empty: `npm run build` builds it');
  for (const warning of env.warnings) logger.warn(warning);
  return app;
}
