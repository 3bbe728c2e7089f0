import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CacheModule } from '../common/cache/cache.module.js';
import { UsersModule } from '../users/users.module.js';
import { WatchlistsController } from './watchlists.controller.js';
import { WatchlistsRepository } from './watchlists.repository.js';
import { WatchlistsService } from './watchlists.service.js';

@Module({
  imports: [AuditModule, CacheModule, UsersModule],
  controllers: [WatchlistsController],
  providers: [WatchlistsService, WatchlistsRepository],
  exports: [WatchlistsService],
})
export class WatchlistsModule {}
