import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { SessionsModule } from '../auth/sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { WatchlistsModule } from '../watchlists/watchlists.module.js';
import { AdminAuditLogsController } from './audit-logs/admin-audit-logs.controller.js';
import { AdminItemsController } from './items/admin-items.controller.js';
import { AdminItemsService } from './items/admin-items.service.js';
import { AdminStatsController } from './stats/admin-stats.controller.js';
import { AdminUsersController } from './users/admin-users.controller.js';
import { AdminUsersService } from './users/admin-users.service.js';

@Module({
  imports: [AuditModule, AuthModule, SessionsModule, UsersModule, WatchlistsModule],
  controllers: [AdminStatsController, AdminUsersController, AdminItemsController, AdminAuditLogsController],
  providers: [AdminUsersService, AdminItemsService],
})
export class AdminModule {}
