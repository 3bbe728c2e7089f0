import { hash as digest } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { type Actor, type AuditAction, AuditService } from '../../audit/audit.service.js';
import { changesBetween } from '../../audit/changes.js';
import { UnauthorizedError } from '../../auth/access/auth.errors.js';
import { folded } from '../../common/folded.js';
import { ValidationFailedError } from '../../common/errors/common.errors.js';
import { newValues, patched, unsetValues } from '../../common/validation/body-fields.js';
import { tagKey } from '../../common/validation/fields.js';
import { ENV, type Env } from '../../config/env.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { UserNotFoundError } from '../../users/users.errors.js';
import { groupOf, growthBetween, type ListCounts } from '../lists/list-counts.js';
import { ListsService } from '../lists/lists.service.js';
import { ExternalIdsRepository } from './external-ids.repository.js';
import { ITEM_FIELDS, type ItemFields, type ItemPatch, type NewItem } from './item-fields.js';
import { newPosition, positionBetween } from './item-position.js';
import type { ItemFilter, ItemPage, ItemQuery, OwnedItem, OwnedQuery } from './item-query.js';
import { searchWords } from './item-text.js';
import { ItemTags } from './item-tags.js';
import type { StoredItem } from './item.entity.js';
import { ItemExistsError, ItemNotFoundError } from './items.errors.js';
import { type ItemFigures, ItemsRepository } from './items.repository.js';

const DAY_MS = 86_400_000;
const RECENT_DAYS = 30;

const FIELD_NAMES = Object.keys(ITEM_FIELDS);
/** A new item is compared with this, so that the audit log has only what was given. */
const NOTHING_SET = unsetValues(ITEM_FIELDS);

/** Limits a write to one owner's item, and to the state that the caller knows. */
export interface ItemConditions {
  /** Left out by an admin, who can change any item. */
  readonly ownerId?: number;
  /** The request's `If-Match` header. */
  readonly ifMatch?: string;
}

/** A place in the owner's order. */
export type Place =
  { readonly to: 'first' | 'last' } | { readonly before: number } | { readonly after: number };

export interface ListSummary {
  readonly counts: ListCounts;
  readonly figures: ItemFigures;
  /** Of the first planned item in the owner's order. */
  readonly nextTitle: string | null;
}

export interface TagCount {
  readonly tag: string;
  readonly count: number;
}

/** The rules for items. An `ownerId` limits a method to the items of that user. */
@Injectable()
export class ItemsService {
  constructor(
    private readonly items: ItemsRepository,
    private readonly externalIds: ExternalIdsRepository,
    private readonly lists: ListsService,
    private readonly tags: ItemTags,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
    @Inject(ENV) private readonly env: Env,
  ) {}

  page(query: OwnedQuery): Promise<ItemPage> {
    return this.items.findPage(query);
  }

  pageWithOwners(query: ItemQuery): Promise<ItemPage<OwnedItem>> {
    return this.items.findPageWithOwners(query);
  }

  /** @throws ItemNotFoundError */
  async get(id: number, ownerId?: number, where: 'list' | 'trash' | 'both' = 'list'): Promise<StoredItem> {
    const item = await this.items.find(id, ownerId, where);
    if (item === null) throw new ItemNotFoundError();
    return item;
  }

  /**
   * @throws ValidationFailedError
   * @throws ItemExistsError
   * @throws UserNotFoundError when there is no such owner
   * @throws UnauthorizedError when the owner is the actor, whose account was erased after the token was checked
   */
  async add(ownerId: number, body: NewItem, actor: Actor): Promise<StoredItem> {
    try {
      return await this.unitOfWork.write(async () => {
        const now = new Date();
        const fields = settled(null, newValues(ITEM_FIELDS, body), body, now);
        const row = {
          ...fields,
          userId: ownerId,
          createdAt: now,
          updatedAt: now,
          deletedAt: null,
          purgeAt: null,
          position: newPosition(now),
        };
        // Sent together, because they share a round trip on PostgreSQL. Without an owner both fail, and the first error counts.
        const bumped = this.lists.bump(ownerId, growthBetween(null, groupOf(fields)));
        const inserted = this.items.insert(row);
        inserted.catch(() => undefined);
        const version = await bumped;
        const id = await inserted;
        const item = { ...row, id, version };
        await this.claimIds(item);
        await this.record('watchlist_item.created', id, actor, null, fields);
        return item;
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
   * @throws ValidationFailedError
   * @throws ItemExistsError
   */
  update(id: number, patch: ItemPatch, actor: Actor, conditions: ItemConditions = {}): Promise<StoredItem> {
    return this.unitOfWork.write(async () => {
      const item = await this.lock(id, conditions);
      const now = new Date();
      const fields = settled(item, patched(ITEM_FIELDS, item, patch), patch, now);
      if (Object.keys(changesBetween(item, fields, FIELD_NAMES)).length === 0) return item;
      const version = await this.lists.bump(item.userId, growthBetween(groupOf(item), groupOf(fields)));
      const change = { ...fields, updatedAt: now, version };
      const changed = { ...item, ...change };
      await this.items.update(id, change);
      await this.claimIds(changed, item);
      await this.record('watchlist_item.updated', id, actor, item, fields);
      return changed;
    });
  }

  /**
   * Moves the item to the trash.
   *
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  delete(id: number, actor: Actor, conditions: ItemConditions = {}): Promise<void> {
    return this.unitOfWork.write(async () => {
      const item = await this.lock(id, conditions);
      const version = await this.lists.bump(item.userId, growthBetween(groupOf(item), null));
      const deletedAt = new Date();
      const purgeAt = new Date(deletedAt.getTime() + this.env.TRASH_RETENTION_DAYS * DAY_MS);
      await this.items.move(id, { deletedAt, purgeAt, version });
      await this.record('watchlist_item.deleted', id, actor, item, null);
    });
  }

  /**
   * Takes the item out of the trash.
   *
   * @throws ItemNotFoundError when it is not in the trash
   * @throws PreconditionFailedError
   */
  restore(id: number, actor: Actor, conditions: ItemConditions = {}): Promise<StoredItem> {
    return this.unitOfWork.write(async () => {
      const item = await this.lock(id, conditions, 'trash');
      const version = await this.lists.bump(item.userId, growthBetween(null, groupOf(item)));
      const change = { deletedAt: null, purgeAt: null, version };
      await this.items.move(id, change);
      await this.record('watchlist_item.restored', id, actor, null, item);
      return { ...item, ...change };
    });
  }

  /**
   * Deletes the item for good, from the list or from the trash.
   *
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  purge(id: number, actor: Actor, conditions: ItemConditions = {}): Promise<void> {
    return this.unitOfWork.write(async () => {
      const item = await this.lock(id, conditions, 'both');
      const group = item.deletedAt === null ? groupOf(item) : null;
      await this.lists.bump(item.userId, growthBetween(group, null));
      await this.items.delete(id);
      await this.record('watchlist_item.purged', id, actor, item, null);
    });
  }

  /** Deletes all items in the owner's trash for good. */
  emptyTrash(ownerId: number, actor: Actor): Promise<void> {
    return this.unitOfWork.write(async () => {
      await this.lists.lock(ownerId);
      const items = await this.items.countTrash(ownerId);
      if (items === 0) return;
      await this.lists.bump(ownerId, growthBetween(null, null));
      await this.items.deleteTrash(ownerId);
      const changes = { trash: { from: items, to: 0 } };
      await this.audit.recordAudit({
        actor,
        action: 'watchlist.trash_emptied',
        resourceType: 'watchlist',
        resourceId: ownerId,
        changes,
      });
    });
  }

  /**
   * Changes the place of the item in its owner's order.
   *
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   * @throws ValidationFailedError when the item that it is placed next to is not on the list
   */
  move(
    id: number,
    place: Place,
    conditions: ItemConditions & { readonly ownerId: number },
  ): Promise<StoredItem> {
    return this.unitOfWork.write(async () => {
      const item = await this.lock(id, conditions);
      const position = await this.positionAt(place, item);
      if (position === item.position) return item;
      const version = await this.lists.bump(item.userId, growthBetween(null, null));
      await this.items.place(id, { position, version });
      return { ...item, position, version };
    });
  }

  private async positionAt(place: Place, item: StoredItem): Promise<string> {
    if ('to' in place) {
      const direction = place.to === 'first' ? 'after' : 'before';
      const end = await this.items.findNeighbour(item.userId, { direction });
      if (end === null || end.id === item.id) return item.position;
      return place.to === 'first' ? positionBetween(null, end.position) : positionBetween(end.position, null);
    }
    const [name, direction] =
      'before' in place ? (['before', 'before'] as const) : (['after', 'after'] as const);
    const next = await this.items.find('before' in place ? place.before : place.after, item.userId);
    if (next === null || next.id === item.id)
      throw new ValidationFailedError([
        { field: name, message: 'must be the id of another item on this list' },
      ]);
    const other = await this.items.findNeighbour(item.userId, { direction, of: next });
    if (other?.id === item.id) return item.position;
    return direction === 'before'
      ? positionBetween(other?.position ?? null, next.position)
      : positionBetween(next.position, other?.position ?? null);
  }

  async summary(ownerId: number): Promise<ListSummary> {
    const [counts, figures, next] = await Promise.all([
      this.lists.countOf(ownerId),
      this.items.findFigures(ownerId, new Date(Date.now() - RECENT_DAYS * DAY_MS)),
      this.items.findPage({ ownerId, filter: { statuses: ['planned'] }, sort: 'manual', skip: 0, limit: 1 }),
    ]);
    return { counts, figures, nextTitle: next.rows[0]?.title ?? null };
  }

  /** How many items have each tag, the most frequent first. A tag is shown as the newest item spells it. */
  async tagCounts(ownerId: number, search = ''): Promise<TagCount[]> {
    const tags = new Map<string, { readonly tag: string; count: number }>();
    for (const tag of (await this.items.findTags(ownerId)).flat()) {
      const known = tags.get(tagKey(tag));
      if (known === undefined) tags.set(tagKey(tag), { tag, count: 1 });
      else known.count++;
    }
    const words = searchWords(search);
    return [...tags.values()]
      .filter(({ tag }) => words.every((word) => folded(tag).includes(word)))
      .sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1));
  }

  /** One of the items that match, the same one for the same seed as long as the list stays the same. */
  async pick(ownerId: number, filter: ItemFilter, seed: string): Promise<StoredItem | null> {
    const query = { ownerId, filter, sort: 'created_at_asc', limit: 1 } as const;
    const { total } = await this.items.findPage({ ...query, skip: 0 });
    if (total === 0) return null;
    const number = digest('sha256', seed, 'buffer').readUInt32BE();
    const { rows } = await this.items.findPage({ ...query, skip: number % total });
    return rows[0] ?? null;
  }

  /**
   * Deletes the items of one list whose time in the trash is up.
   *
   * @returns false when there are no such items
   */
  async purgeExpired(): Promise<boolean> {
    const now = new Date();
    const ownerId = await this.items.findOwnerToPurge(now);
    if (ownerId === null) return false;
    await this.unitOfWork.write(async () => {
      // Answers about the trash are cached by the list's version.
      await this.lists.bump(ownerId, growthBetween(null, null));
      await this.items.deleteTrash(ownerId, now);
    });
    return true;
  }

  /**
   * The item, as it stays until this transaction ends: every writer of its list holds the list first. An item never
   * changes its owner, so the owner can be read before.
   */
  private async lock(
    id: number,
    { ownerId, ifMatch }: ItemConditions,
    where: 'list' | 'trash' | 'both' = 'list',
  ): Promise<StoredItem> {
    await this.lists.lock(ownerId ?? (await this.get(id, undefined, 'both')).userId);
    const item = await this.get(id, ownerId, where);
    this.tags.assertIfMatch(ifMatch, item);
    return item;
  }

  /**
   * Makes the item's ids unique on its list, which the caller holds.
   *
   * @throws ItemExistsError
   */
  private async claimIds(item: StoredItem, before?: StoredItem): Promise<void> {
    if (before !== undefined && before.type === item.type && isDeepStrictEqual(before.ids, item.ids)) return;
    const other = await this.externalIds.findOther(item);
    if (other !== null) throw new ItemExistsError(other);
    await (before === undefined ? this.externalIds.insert(item) : this.externalIds.replace(item));
  }

  private record(
    action: AuditAction & `watchlist_item.${string}`,
    id: number,
    actor: Actor,
    before: ItemFields | null,
    after: ItemFields | null,
  ): Promise<void> {
    const changes = changesBetween(before ?? NOTHING_SET, after ?? NOTHING_SET, FIELD_NAMES);
    return this.audit.recordAudit({ actor, action, resourceType: 'watchlist_item', resourceId: id, changes });
  }
}

/**
 * Applies the rules that concern several fields.
 *
 * @param before null for a new item
 * @throws ValidationFailedError
 */
function settled(before: ItemFields | null, after: ItemFields, given: ItemPatch, now: Date): ItemFields {
  if (after.type === 'movie' && after.progress !== null)
    throw new ValidationFailedError([{ field: 'progress', message: 'must be left out or null for a movie' }]);
  const becomesWatched = after.status === 'watched' && before?.status !== 'watched';
  return becomesWatched && given.watched_at === undefined ? { ...after, watched_at: now } : after;
}
