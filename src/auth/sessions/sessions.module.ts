import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { UsersModule } from '../../users/users.module.js';
import { SESSION_SWEEP_DEFAULTS, SESSION_SWEEP_OPTIONS, SessionSweep } from './session-sweep.js';
import { StillSignedIn } from './session-recheck.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsRepository } from './sessions.repository.js';
import { SessionsService } from './sessions.service.js';

@Module({
  imports: [AuditModule, UsersModule],
  controllers: [SessionsController],
  providers: [
    SessionsService,
    SessionsRepository,
    SessionSweep,
    StillSignedIn,
    { provide: SESSION_SWEEP_OPTIONS, useValue: SESSION_SWEEP_DEFAULTS },
  ],
  exports: [SessionsService, StillSignedIn],
})
export class SessionsModule {}
