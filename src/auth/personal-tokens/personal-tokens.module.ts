import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { UsersModule } from '../../users/users.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { PersonalTokensController } from './personal-tokens.controller.js';
import { PersonalTokensRepository } from './personal-tokens.repository.js';
import { PersonalTokensService } from './personal-tokens.service.js';

@Module({
  imports: [AuditModule, SessionsModule, UsersModule],
  controllers: [PersonalTokensController],
  providers: [PersonalTokensService, PersonalTokensRepository],
  exports: [PersonalTokensService],
})
export class PersonalTokensModule {}
