import { ApiProperty } from '@nestjs/swagger';
import { ApiEmail, ApiStatusOk } from '../../../common/openapi/api-fields.js';
import type { Page } from '../../../common/pagination/page.query.js';
import { PageResponse } from '../../../common/pagination/page.response.js';
import { ItemResponse } from '../item-response.js';
import type { StoredItem } from '../item.entity.js';
import type { ListQuery } from '../list.query.js';

export class ItemEnvelope {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: ItemResponse })
  readonly item!: ItemResponse;

  static from(item: StoredItem): ItemEnvelope {
    return { status: 'ok', item: ItemResponse.from(item) };
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
