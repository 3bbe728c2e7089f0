import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/access/principal.js';
import type { CacheKey, CacheScope } from '../../common/cache/cache-keys.js';
import type { HttpRequest } from '../../common/http/request.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { ListsService } from '../lists/lists.service.js';
import { emailDigest, ITEM_SHAPE } from './item-tags.js';

/** The caller's own list. The answer also shows their e-mail address. */
@Injectable()
export class ListCacheKey implements CacheKey {
  constructor(
    private readonly lists: ListsService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async scopeOf({ user }: HttpRequest & { user?: Principal }): Promise<CacheScope> {
    if (user === undefined) throw new Error('ListCacheKey on a public route');
    const version = await this.lists.versionOf(user.id);
    return {
      resource: `list:${user.id}`,
      version: `${this.unitOfWork.epoch}.${version}.${ITEM_SHAPE}.${emailDigest(user.email)}`,
    };
  }
}
