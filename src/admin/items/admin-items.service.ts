import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit.service.js';
import type { User } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import type { ItemPatch } from '../../watchlists/items/item-fields.js';
import type { ItemQuery } from '../../watchlists/items/item-query.js';
import type { StoredItem } from '../../watchlists/items/item.entity.js';
import { ItemsService } from '../../watchlists/items/items.service.js';
import { AdminCreateItemDto } from './admin-items.dto.js';

interface OwnedItem {
  readonly item: StoredItem;
  readonly owner: User;
}

/** The items of all users. The rules are those of the items themselves. */
@Injectable()
export class AdminItemsService {
  constructor(
    private readonly items: ItemsService,
    private readonly users: UsersService,
  ) {}

  page(query: ItemQuery): ReturnType<ItemsService['pageWithOwners']> {
    return this.items.pageWithOwners(query);
  }

  /** @throws ItemNotFoundError */
  async get(id: number): Promise<OwnedItem> {
    return this.withOwner(await this.items.get(id));
  }

  /** @throws UserNotFoundError */
  async add({ user_id, ...fields }: AdminCreateItemDto, actor: Actor): Promise<OwnedItem> {
    return this.withOwner(await this.items.add(user_id, fields, actor));
  }

  /**
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  async update(id: number, patch: ItemPatch, actor: Actor, ifMatch: string | undefined): Promise<OwnedItem> {
    return this.withOwner(await this.items.update(id, patch, actor, { ifMatch }));
  }

  /**
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  delete(id: number, actor: Actor, ifMatch: string | undefined): Promise<void> {
    return this.items.delete(id, actor, { ifMatch });
  }

  /**
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  async restore(id: number, actor: Actor, ifMatch: string | undefined): Promise<OwnedItem> {
    return this.withOwner(await this.items.restore(id, actor, { ifMatch }));
  }

  /**
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  purge(id: number, actor: Actor, ifMatch: string | undefined): Promise<void> {
    return this.items.purge(id, actor, { ifMatch });
  }

  private async withOwner(item: StoredItem): Promise<OwnedItem> {
    return { item, owner: await this.users.get(item.userId) };
  }
}
