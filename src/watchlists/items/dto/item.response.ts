import { ApiProperty } from '@nestjs/swagger';
import { confirmMatch } from '../../../common/http/etag/etag.js';
import { ApiEmail, ApiId, ApiInstant, ApiStatusOk } from '../../../common/openapi/api-fields.js';
import type { Page } from '../../../common/pagination/page.query.js';
import { PageResponse } from '../../../common/pagination/page.response.js';
import { ITEM_TYPES, type ItemType } from '../item.entity.js';
import type { StoredItem } from '../items.service.js';
import type { ListQuery } from './list.query.js';

/** The header of an answer to adding. */
export const ITEM_LOCATION = {
  description: 'The new item.',
  required: true,
  schema: {
    type: 'string',
    maxLength: 100,
    pattern: '^/v1/watchlists/items/\\d+$',
    example: '/v1/watchlists/items/1',
  },
} as const;

export class ItemResponse {
  @ApiId()
  readonly id!: number;

  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: 255,
    pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
    example: 'Parasite',
  })
  readonly title!: string;

  @ApiProperty({ type: String, enum: ITEM_TYPES, example: 'movie' })
  readonly type!: ItemType;

  @ApiInstant()
  readonly created_at!: string;

  @ApiInstant()
  readonly updated_at!: string;

  static from({ id, title, type, createdAt, updatedAt }: StoredItem): ItemResponse {
    return { id, title, type, created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
  }
}

export class ItemEnvelope {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: ItemResponse })
  readonly item!: ItemResponse;

  static from(item: StoredItem): ItemEnvelope {
    return { status: 'ok', item: ItemResponse.from(item) };
  }

  /** Throws PreconditionFailedError for an item that would not be answered with one of these tags. */
  static mustMatch(ifMatch: string | undefined): (item: StoredItem) => void {
    return (item) => confirmMatch(ifMatch, ItemEnvelope.from(item));
  }
}

export class ListResponse extends PageResponse {
  @ApiEmail()
  readonly user!: string;

  @ApiProperty({ type: [ItemResponse], maxItems: 100 })
  readonly watchlist!: ItemResponse[];

  static from(email: string, { skip, limit }: ListQuery, { rows, total }: Page<StoredItem>): ListResponse {
    return { user: email, skip, limit, total, watchlist: rows.map(ItemResponse.from) };
  }
}
