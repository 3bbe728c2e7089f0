import { ApiProperty } from '@nestjs/swagger';
import { ApiEmail, ApiId, ApiStatusOk } from '../../common/openapi/api-fields.js';
import type { Page } from '../../common/pagination/page.query.js';
import { PageResponse } from '../../common/pagination/page.response.js';
import { IsId, QueryInteger } from '../../common/validation/fields.js';
import { CreateWatchlistItemDto, UpdateWatchlistItemDto } from '../../watchlists/items/dto/item.dto.js';
import { ITEM_LOCATION, ItemResponse } from '../../watchlists/items/dto/item.response.js';
import { ListQuery } from '../../watchlists/items/dto/list.query.js';
import type { StoredItem } from '../../watchlists/items/items.service.js';

export class AdminListQuery extends ListQuery {
  @QueryInteger({ minimum: 1, description: "Only this user's items." })
  readonly user_id?: number;
}

export class AdminCreateItemDto extends CreateWatchlistItemDto {
  @ApiId()
  @IsId()
  readonly user_id!: number;
}

export class AdminUpdateItemDto extends UpdateWatchlistItemDto {}

/** Of the item as an admin reaches it: its owner's address of it is a 404 to everybody else. */
export const OWNED_ITEM_LOCATION = {
  ...ITEM_LOCATION,
  schema: {
    ...ITEM_LOCATION.schema,
    pattern: '^/v1/admin/watchlists/items/\\d+$',
    example: '/v1/admin/watchlists/items/1',
  },
};

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

export class AdminListResponse extends PageResponse {
  @ApiProperty({ type: [OwnedItemResponse], maxItems: 100 })
  readonly watchlist!: OwnedItemResponse[];

  static from(
    { skip, limit }: AdminListQuery,
    { rows, total }: Page<StoredItem & { user: Owner }>,
  ): AdminListResponse {
    return {
      skip,
      limit,
      total,
      watchlist: rows.map((item) => OwnedItemResponse.fromOwned(item, item.user)),
    };
  }
}
