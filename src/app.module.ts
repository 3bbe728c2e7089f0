import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AdminModule } from './admin/admin.module.js';
import { UnauthorizedError } from './auth/access/auth.errors.js';
import { AuthModule } from './auth/auth.module.js';
import { JwtAuthGuard } from './auth/guards/jwt-auth.guard.js';
import { RolesGuard } from './auth/guards/roles.guard.js';
import { ScopesGuard } from './auth/guards/scopes.guard.js';
import { ProblemFilter } from './common/errors/problem.filter.js';
import { ShutdownModule } from './common/http/shutdown.js';
import { MetricsModule } from './common/observability/metrics/metrics.module.js';
import type { Metrics } from './common/observability/metrics/metrics.js';
import { RateLimitGuard } from './common/rate-limit/rate-limit.guard.js';
import { RateLimitModule } from './common/rate-limit/rate-limit.module.js';
import { RedisModule } from './common/redis/redis.module.js';
import { RequestValidationPipe } from './common/validation/request-validation.pipe.js';
import { TracingModule } from './common/observability/tracing/tracing.module.js';
import { UndeclaredInputGuard } from './common/validation/undeclared-input.guard.js';
import { ConfigModule } from './config/config.module.js';
import type { Env } from './config/env.js';
import { DatabaseModule } from './database/database.module.js';
import { ExternalModule } from './external/external.module.js';
import { HealthModule } from './health/health.module.js';
import { SCHEMA } from './schema.js';
import { WatchlistsModule } from './watchlists/watchlists.module.js';

@Module({})
export class AppModule {
  static forRoot(env: Env, metrics: Metrics | null): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TracingModule,
        ConfigModule.forRoot(env),
        MetricsModule.forRoot(metrics, (sentToken) => new UnauthorizedError(sentToken)),
        ShutdownModule,
        RedisModule,
        DatabaseModule.forRoot(SCHEMA),
        RateLimitModule,
        AuthModule,
        WatchlistsModule,
        ExternalModule,
        AdminModule,
        HealthModule,
      ],
      // Every request passes these in this order, after the hooks in common/http/hooks.ts.
      providers: [
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: JwtAuthGuard },
        { provide: APP_GUARD, useClass: ScopesGuard },
        { provide: APP_GUARD, useClass: RolesGuard },
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: UndeclaredInputGuard },
        { provide: APP_PIPE, useClass: RequestValidationPipe },
      ],
    };
  }
}
