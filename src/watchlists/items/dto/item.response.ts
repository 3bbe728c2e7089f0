import { ApiProperty } from '@nestjs/swagger';
import { ApiEmail, ApiStatusOk, ApiVersion } from '../../../common/openapi/api-fields.js';
import { ItemPageResponse } from '../item-page.response.js';
import type { ItemPage, ItemQuery } from '../item-query.js';
import { ItemResponse } from '../item-response.js';
import type { StoredItem } from '../item.entity.js';

export class ItemEnvelope {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: ItemResponse })
  readonly item!: ItemResponse;

  static from(item: StoredItem): ItemEnvelope {
    return { status: 'ok', item: ItemResponse.from(item) };
  }
}

export class ListResponse extends ItemPageResponse {
  @ApiEmail()
  readonly user!: string;

  @ApiVersion('Rises with each change of the list.')
  readonly version!: number;

  @ApiProperty({ type: [ItemResponse], maxItems: 100 })
  readonly watchlist!: ItemResponse[];

  static from(email: string, query: ItemQuery, page: ItemPage): ListResponse {
    return {
      user: email,
      ...ItemPageResponse.of(query, page),
      version: page.version,
      watchlist: page.rows.map(ItemResponse.from),
    };
  }
}
