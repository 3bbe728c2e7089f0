import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CacheModule } from '../common/cache/cache.module.js';
import { UsersModule } from '../users/users.module.js';
import { WatchlistsController } from './items/items.controller.js';
import { WatchlistsRepository } from './items/items.repository.js';
import { WatchlistsService } from './items/items.service.js';

@Module({
  imports: [AuditModule, CacheModule, UsersModule],
  controllers: [WatchlistsController],
  providers: [WatchlistsService, WatchlistsRepository],
  exports: [WatchlistsService],
})
export class WatchlistsModule {}
