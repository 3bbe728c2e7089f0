import { Injectable } from '@nestjs/common';
import { type Actor, AuditService } from '../../audit/audit.service.js';
import type { Changes } from '../../audit/audit-log.entity.js';
import { isForeignKeyViolation } from '../../database/foreign-key-violation.js';
import type { Page } from '../../common/pagination/page.query.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { UserNotFoundError } from '../../users/users.errors.js';
import { UsersService } from '../../users/users.service.js';
import { titleKey } from './title-key.js';
import type { ItemType, WatchlistItem } from './item.entity.js';
import { ItemNotFoundError } from './items.errors.js';
import { type ItemFilter, WatchlistsRepository } from './items.repository.js';

export interface ItemFields {
  readonly title: string;
  readonly type: ItemType;
}

const COUNTED = { movie: 'movies', show: 'shows' } as const satisfies Record<ItemType, string>;

/** An item as its callers see it: without its sorting key and relations. */
export type StoredItem = Pick<WatchlistItem, 'id' | 'userId' | 'title' | 'type' | 'createdAt' | 'updatedAt'>;

/** What must be true of an item for it to be changed. */
export interface ItemTerms {
  /** Whose it is. */
  readonly ownerId?: number;
  /** Throws when the item is not as the caller thinks it is. Called while nobody else can change it. */
  readonly precondition?: (item: StoredItem) => void | Promise<void>;
}

/**
 * The rules of the lists. Every method takes an `ownerId` that limits it to one user's items; an admin's calls
 * leave it out.
 */
@Injectable()
export class WatchlistsService {
  constructor(
    private readonly items: WatchlistsRepository,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  page(filter: ItemFilter & { readonly ownerId: number }): Promise<Page<StoredItem>> {
    return this.items.pageOf(filter);
  }

  pageWithOwners(filter: ItemFilter): Promise<Page<WatchlistItem>> {
    return this.items.page(filter, { withOwner: true });
  }

  /** @throws ItemNotFoundError */
  async get(id: number, ownerId?: number): Promise<StoredItem> {
    const item = await this.items.find(id, ownerId);
    if (item === null) throw new ItemNotFoundError();
    return item;
  }

  /** @throws UserNotFoundError when there is no such owner */
  async add(ownerId: number, fields: ItemFields, actor: Actor): Promise<StoredItem> {
    try {
      return await this.unitOfWork.write(async () => {
        const now = new Date();
        const row = {
          userId: ownerId,
          title: fields.title,
          type: fields.type,
          createdAt: now,
          updatedAt: now,
        };
        // The list first, because its row makes writers to one list take turns. PostgreSQL gets both in one trip.
        const [, id] = await Promise.all([
          this.users.listChanged(ownerId, { [COUNTED[fields.type]]: 1 }),
          this.items.insert({ ...row, titleKey: titleKey(fields.title) }),
        ]);
        await this.record('watchlist_item.created', id, actor, {
          title: { from: null, to: fields.title },
          type: { from: null, to: fields.type },
        });
        return { ...row, id };
      });
    } catch (error) {
      throw isForeignKeyViolation(error) ? new UserNotFoundError() : error;
    }
  }

  /**
   * What is the same already is no change: it leaves `updated_at`, the audit log and the cache alone.
   *
   * @throws ItemNotFoundError
   * @throws what the precondition throws
   */
  update(id: number, fields: Partial<ItemFields>, actor: Actor, terms: ItemTerms = {}): Promise<StoredItem> {
    return this.unitOfWork.write(async () => {
      const item = await this.hold(id, terms);
      const { title = item.title, type = item.type } = fields;
      const changes: Changes = {
        ...(title !== item.title && { title: { from: item.title, to: title } }),
        ...(type !== item.type && { type: { from: item.type, to: type } }),
      };
      if (Object.keys(changes).length === 0) return item;
      await this.users.listChanged(
        item.userId,
        type === item.type ? {} : { [COUNTED[item.type]]: -1, [COUNTED[type]]: 1 },
      );
      const updatedAt = new Date();
      await this.items.update(id, { title, titleKey: titleKey(title), type, updatedAt });
      await this.record('watchlist_item.updated', id, actor, changes);
      return { ...item, title, type, updatedAt };
    });
  }

  /**
   * @throws ItemNotFoundError
   * @throws what the precondition throws
   */
  delete(id: number, actor: Actor, terms: ItemTerms = {}): Promise<void> {
    return this.unitOfWork.write(async () => {
      const item = await this.hold(id, terms);
      await this.users.listChanged(item.userId, { [COUNTED[item.type]]: -1 });
      await this.items.delete(id);
      await this.record('watchlist_item.deleted', id, actor, {
        title: { from: item.title, to: null },
        type: { from: item.type, to: null },
      });
    });
  }

  /** The item as it stays until this transaction ends. */
  private async hold(id: number, { ownerId, precondition }: ItemTerms): Promise<StoredItem> {
    const item = await this.items.findForUpdate(id, ownerId);
    if (item === null) throw new ItemNotFoundError();
    await precondition?.(item);
    return item;
  }

  private record(
    action: 'watchlist_item.created' | 'watchlist_item.updated' | 'watchlist_item.deleted',
    id: number,
    actor: Actor,
    changes: Changes,
  ): Promise<void> {
    return this.audit.record({ actor, action, resourceType: 'watchlist_item', resourceId: id, changes });
  }
}
