import { Injectable } from '@nestjs/common';
import { type Actor, AuditService } from '../../audit/audit.service.js';
import { changesBetween } from '../../audit/changes.js';
import { UnauthorizedError } from '../../auth/access/auth.errors.js';
import type { Page } from '../../common/pagination/page.query.js';
import { newValues, patched } from '../../common/validation/body-fields.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { UserNotFoundError } from '../../users/users.errors.js';
import { growthBetween } from '../lists/list-counts.js';
import { ListsService } from '../lists/lists.service.js';
import { ITEM_FIELDS, type ItemFields, type ItemPatch, type NewItem } from './item-fields.js';
import type { ItemQuery, PlainListQuery } from './item-query.js';
import { ItemTags } from './item-tags.js';
import { groupOf, type StoredItem, type WatchlistItem } from './item.entity.js';
import { ItemNotFoundError } from './items.errors.js';
import { ItemsRepository } from './items.repository.js';

const FIELD_NAMES = Object.keys(ITEM_FIELDS);

/** Limits a write to one owner's item, and to the state that the caller knows. */
export interface ItemConditions {
  /** Left out by an admin, who can change any item. */
  readonly ownerId?: number;
  /** The request's `If-Match` header. */
  readonly ifMatch?: string;
}

/** The rules for items. An `ownerId` limits a method to the items of that user. */
@Injectable()
export class ItemsService {
  constructor(
    private readonly items: ItemsRepository,
    private readonly lists: ListsService,
    private readonly tags: ItemTags,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  page(query: PlainListQuery): Promise<Page<StoredItem>> {
    return this.items.findPlainPage(query);
  }

  pageWithOwners(query: ItemQuery): Promise<Page<StoredItem & Pick<WatchlistItem, 'user'>>> {
    return this.items.findPageWithOwners(query);
  }

  /** @throws ItemNotFoundError */
  async get(id: number, ownerId?: number): Promise<StoredItem> {
    const item = await this.items.find(id, ownerId);
    if (item === null) throw new ItemNotFoundError();
    return item;
  }

  /**
   * @throws UserNotFoundError when there is no such owner
   * @throws UnauthorizedError when the owner is the actor, whose account was erased after the token was checked
   */
  async add(ownerId: number, body: NewItem, actor: Actor): Promise<StoredItem> {
    const fields = newValues(ITEM_FIELDS, body);
    try {
      return await this.unitOfWork.write(async () => {
        const now = new Date();
        const row = { ...fields, userId: ownerId, createdAt: now, updatedAt: now };
        // Sent together, because they share a round trip on PostgreSQL. Without an owner both fail, and the first error counts.
        const bumped = this.lists.bump(ownerId, growthBetween(null, groupOf(fields)));
        const inserted = this.items.insert(row);
        inserted.catch(() => undefined);
        const version = await bumped;
        const id = await inserted;
        await this.record('watchlist_item.created', id, actor, null, fields);
        return { ...row, id, version };
      });
    } catch (error) {
      if (error instanceof UserNotFoundError && actor.id === ownerId) throw new UnauthorizedError(true);
      throw error;
    }
  }

  /**
   * A patch that changes nothing leaves `updated_at`, the audit log and the list's version as they are.
   *
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  update(id: number, patch: ItemPatch, actor: Actor, conditions: ItemConditions = {}): Promise<StoredItem> {
    return this.unitOfWork.write(async () => {
      const item = await this.lock(id, conditions);
      const fields = patched(ITEM_FIELDS, item, patch);
      if (Object.keys(changesBetween(item, fields, FIELD_NAMES)).length === 0) return item;
      const version = await this.lists.bump(item.userId, growthBetween(groupOf(item), groupOf(fields)));
      const change = { ...fields, updatedAt: new Date(), version };
      await this.items.update(id, change);
      await this.record('watchlist_item.updated', id, actor, item, fields);
      return { ...item, ...change };
    });
  }

  /**
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  delete(id: number, actor: Actor, conditions: ItemConditions = {}): Promise<void> {
    return this.unitOfWork.write(async () => {
      const item = await this.lock(id, conditions);
      await this.lists.bump(item.userId, growthBetween(groupOf(item), null));
      await this.items.delete(id);
      await this.record('watchlist_item.deleted', id, actor, item, null);
    });
  }

  /**
   * The item, as it stays until this transaction ends: every writer of its list holds the list first. An item never
   * changes its owner, so the owner can be read before.
   */
  private async lock(id: number, { ownerId, ifMatch }: ItemConditions): Promise<StoredItem> {
    await this.lists.lock(ownerId ?? (await this.get(id)).userId);
    const item = await this.get(id, ownerId);
    this.tags.assertIfMatch(ifMatch, item);
    return item;
  }

  private record(
    action: 'watchlist_item.created' | 'watchlist_item.updated' | 'watchlist_item.deleted',
    id: number,
    actor: Actor,
    before: ItemFields | null,
    after: ItemFields | null,
  ): Promise<void> {
    const changes = changesBetween(before, after, FIELD_NAMES);
    return this.audit.recordAudit({ actor, action, resourceType: 'watchlist_item', resourceId: id, changes });
  }
}
