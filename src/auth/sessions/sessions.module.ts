import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { UsersModule } from '../../users/users.module.js';
import { SESSION_CLEANUP_DEFAULTS, SESSION_CLEANUP_OPTIONS, SessionCleanup } from './session-cleanup.js';
import { SessionRecheck } from './session-recheck.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsRepository } from './sessions.repository.js';
import { SessionsService } from './sessions.service.js';

@Module({
  imports: [AuditModule, UsersModule],
  controllers: [SessionsController],
  providers: [
    SessionsService,
    SessionsRepository,
    SessionCleanup,
    { provide: SESSION_CLEANUP_OPTIONS, useValue: SESSION_CLEANUP_DEFAULTS },
    SessionRecheck,
  ],
  exports: [SessionsService, SessionRecheck],
})
export class SessionsModule {}
