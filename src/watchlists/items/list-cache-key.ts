import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/access/principal.js';
import type { CacheKey, CacheScope } from '../../common/cache/cache-keys.js';
import type { HttpRequest } from '../../common/http/request.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { ListsService } from '../lists/lists.service.js';
import { emailDigest, ITEM_SHAPE } from './item-tags.js';

/** What a route tells of the caller's own list. Some answers also show their e-mail address. */
@Injectable()
export class ListCacheKey implements CacheKey {
  constructor(
    private readonly lists: ListsService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async scopeOf({ user, routeOptions }: HttpRequest & { user?: Principal }): Promise<CacheScope> {
    if (user === undefined) throw new Error('ListCacheKey on a public route');
    const route = routeOptions.url === '/v1/watchlists' ? 'list' : routeOptions.url!.split('/').at(-1);
    const version = await this.lists.versionOf(user.id);
    return {
      resource: `${route}:${user.id}`,
      version: `${this.unitOfWork.epoch}.${version}.${ITEM_SHAPE}.${emailDigest(user.email)}`,
    };
  }
}
