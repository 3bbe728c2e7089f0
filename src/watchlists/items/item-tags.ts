import { hash as digest } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { PreconditionFailedError } from '../../common/errors/common.errors.js';
import { matchesStrongly } from '../../common/http/etag/etag.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { StoredItem } from './item.entity.js';

/** Changes whenever `ItemResponse` gains, loses or renames a field. */
export const ITEM_SHAPE = 'k4';

/** Stands for an e-mail address that an answer shows, because the address changes without the item or its list. */
export const emailDigest = (email: string) => digest('sha256', email, 'base64url').slice(0, 8);

/**
 * Strong entity tags of items: `"<epoch>.<id>.<version>.<shape>"`. The version is the list's version at the item's last
 * change, so the first three parts name one state of one item. The shape names what an answer makes of it: two answers
 * with one tag have the same bytes.
 */
@Injectable()
export class ItemTags {
  private readonly epoch: string;

  constructor({ epoch }: UnitOfWork) {
    this.epoch = epoch.slice(0, 8);
  }

  /** For an answer that shows the item. */
  of(item: StoredItem): string {
    return `${this.stateOf(item)}${ITEM_SHAPE}"`;
  }

  /** For an answer that also shows the owner's e-mail address. */
  withOwner(item: StoredItem, owner: { readonly email: string }): string {
    return `${this.stateOf(item)}${ITEM_SHAPE}.${emailDigest(owner.email)}"`;
  }

  /**
   * `If-Match` asks for a state, in any shape: a change of the owner's address or a new field in the answers does not
   * make an edit stale.
   *
   * @throws PreconditionFailedError
   */
  assertIfMatch(ifMatch: string | undefined, item: StoredItem): void {
    if (ifMatch === undefined) return;
    const state = this.stateOf(item);
    if (!matchesStrongly(ifMatch, (tag) => tag.startsWith(state))) throw new PreconditionFailedError();
  }

  private stateOf({ id, version }: StoredItem): string {
    return `"${this.epoch}.${id}.${version}.`;
  }
}
