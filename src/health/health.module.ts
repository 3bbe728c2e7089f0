import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ShutdownModule } from '../common/http/shutdown.js';
import { DatabaseHealth } from './database.health.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { RedisHealth } from './redis.health.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), ShutdownModule],
  controllers: [HealthController],
  providers: [HealthService, DatabaseHealth, RedisHealth],
})
export class HealthModule {}
