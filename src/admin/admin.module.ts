import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { SessionsModule } from '../auth/sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { WatchlistsModule } from '../watchlists/watchlists.module.js';
import { AdminController } from './admin.controller.js';
import { AdminService } from './admin.service.js';
import { AdminItemsController } from './items/admin-items.controller.js';
import { AdminItemsService } from './items/admin-items.service.js';

@Module({
  imports: [AuditModule, AuthModule, SessionsModule, UsersModule, WatchlistsModule],
  controllers: [AdminController, AdminItemsController],
  providers: [AdminService, AdminItemsService],
})
export class AdminModule {}
