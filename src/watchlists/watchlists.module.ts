import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CacheModule } from '../common/cache/cache.module.js';
import { UsersModule } from '../users/users.module.js';
import { ExternalIdsRepository } from './items/external-ids.repository.js';
import { ItemTags } from './items/item-tags.js';
import { ItemsController } from './items/items.controller.js';
import { ItemsRepository } from './items/items.repository.js';
import { ItemsService } from './items/items.service.js';
import { ListCacheKey } from './items/list-cache-key.js';
import { TRASH_CLEANUP_DEFAULTS, TRASH_CLEANUP_OPTIONS, TrashCleanup } from './items/trash-cleanup.js';
import { ListsRepository } from './lists/lists.repository.js';
import { ListsService } from './lists/lists.service.js';

@Module({
  imports: [AuditModule, CacheModule, UsersModule],
  controllers: [ItemsController],
  providers: [
    ItemsService,
    ItemsRepository,
    ExternalIdsRepository,
    ItemTags,
    ListCacheKey,
    ListsService,
    ListsRepository,
    TrashCleanup,
    { provide: TRASH_CLEANUP_OPTIONS, useValue: TRASH_CLEANUP_DEFAULTS },
  ],
  exports: [ItemsService, ItemTags, ListsService],
})
export class WatchlistsModule {}
