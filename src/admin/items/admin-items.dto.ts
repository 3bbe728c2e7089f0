import { ApiProperty } from '@nestjs/swagger';
import { ApiEmail, ApiId, ApiStatusOk } from '../../common/openapi/api-fields.js';
import { bodyOf, idField, patchOf } from '../../common/validation/body-fields.js';
import { QueryInteger } from '../../common/validation/fields.js';
import { ITEM_FIELDS } from '../../watchlists/items/item-fields.js';
import { ItemPageResponse } from '../../watchlists/items/item-page.response.js';
import type { ItemPage, ItemQuery, OwnedItem } from '../../watchlists/items/item-query.js';
import { ItemResponse } from '../../watchlists/items/item-response.js';
import type { StoredItem } from '../../watchlists/items/item.entity.js';
import { ListQuery } from '../../watchlists/items/list.query.js';

export class AdminListQuery extends ListQuery {
  @QueryInteger({ minimum: 1, description: "Only this user's items." })
  readonly user_id?: number;
}

export class AdminCreateItemDto extends bodyOf({ ...ITEM_FIELDS, user_id: idField() }) {}

export class AdminUpdateItemDto extends patchOf(ITEM_FIELDS) {}

export class OwnerResponse {
  @ApiId()
  readonly id!: number;

  @ApiEmail()
  readonly email!: string;
}

interface Owner {
  readonly id: number;
  readonly email: string;
}

export class OwnedItemResponse extends ItemResponse {
  @ApiProperty({ type: OwnerResponse })
  readonly owner!: OwnerResponse;

  static fromOwned(item: StoredItem, { id, email }: Owner): OwnedItemResponse {
    return { ...ItemResponse.from(item), owner: { id, email } };
  }
}

export class OwnedItemEnvelope {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: OwnedItemResponse })
  readonly item!: OwnedItemResponse;

  static from(item: StoredItem, owner: Owner): OwnedItemEnvelope {
    return { status: 'ok', item: OwnedItemResponse.fromOwned(item, owner) };
  }
}

export class AdminListResponse extends ItemPageResponse {
  @ApiProperty({ type: [OwnedItemResponse], maxItems: 100 })
  readonly watchlist!: OwnedItemResponse[];

  static from(query: ItemQuery, page: ItemPage<OwnedItem>): AdminListResponse {
    return {
      ...ItemPageResponse.of(query, page),
      watchlist: page.rows.map((item) => OwnedItemResponse.fromOwned(item, item.user)),
    };
  }
}
