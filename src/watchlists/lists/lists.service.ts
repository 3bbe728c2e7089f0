import { Injectable } from '@nestjs/common';
import { UserNotFoundError } from '../../users/users.errors.js';
import { growthBetween, type ListCounts, sumOf } from './list-counts.js';
import { ListsRepository } from './lists.repository.js';

/**
 * The version and the counts of each owner's list. The version is the cache key of every answer about the list
 * (common/cache/cache-keys.ts) and the version of each item that changes with it.
 */
@Injectable()
export class ListsService {
  constructor(private readonly lists: ListsRepository) {}

  /** As committed at the moment of the call. Take it before reading the list's data. Not within a write. */
  versionOf(ownerId: number): Promise<number> {
    return this.lists.findVersion(ownerId);
  }

  /**
   * Once in each write that changes the list, before its items change: from here on other writers to this list wait.
   *
   * @returns the list's new version
   * @throws UserNotFoundError
   */
  async bump(ownerId: number, growth: ListCounts): Promise<number> {
    const version = await this.lists.bump(ownerId, growth);
    if (version === null) throw new UserNotFoundError();
    return version;
  }

  /** Within a write that must read before it knows whether anything changes: other writers to this list wait. */
  lock(ownerId: number): Promise<void> {
    return this.lists.lock(ownerId);
  }

  /** Of all lists together. */
  countAll(): Promise<ListCounts> {
    return this.lists.sumCounts();
  }

  /** Of one list. */
  async countOf(ownerId: number): Promise<ListCounts> {
    const counts = await this.lists.findCounts([ownerId]);
    return counts.get(ownerId) ?? growthBetween(null, null);
  }

  /** How many items each of these owners has. */
  async countItems(ownerIds: readonly number[]): Promise<Map<number, number>> {
    const counts = await this.lists.findCounts(ownerIds);
    return new Map(ownerIds.map((id) => [id, sumOf(counts.get(id) ?? growthBetween(null, null))]));
  }
}
