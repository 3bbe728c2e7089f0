import { ApiProperty } from '@nestjs/swagger';
import { ApiCount } from '../../common/openapi/api-fields.js';
import { PageResponse } from '../../common/pagination/page.response.js';
import { filterDigest, type ItemPage, type ItemQuery, type StatusCounts } from './item-query.js';
import { writeCursor } from './item-sort.js';

/** How many items match the filter in each status, whatever statuses the filter names. */
export class StatusCountsResponse implements StatusCounts {
  @ApiCount(30)
  readonly planned!: number;

  @ApiCount(2)
  readonly watching!: number;

  @ApiCount(9)
  readonly watched!: number;

  @ApiCount(1)
  readonly on_hold!: number;

  @ApiCount(0)
  readonly dropped!: number;
}

/** What every page of items has besides its items. */
export class ItemPageResponse extends PageResponse {
  @ApiProperty({ type: Boolean, example: true, description: 'True when there are items after these.' })
  readonly has_more!: boolean;

  @ApiProperty({
    type: String,
    maxLength: 4096,
    pattern: '^[A-Za-z0-9_-]+$',
    nullable: true,
    example: 'WyJxMXcyZTMiLG51bGwsN10',
    description: 'For the parameter `cursor` of the next page; null on the last page.',
  })
  readonly next_cursor!: string | null;

  @ApiProperty({ type: StatusCountsResponse })
  readonly counts!: StatusCountsResponse;

  static of(query: ItemQuery, { rows, hasMore, total, counts }: ItemPage): ItemPageResponse {
    const last = rows.at(-1);
    return {
      skip: query.skip,
      limit: query.limit,
      total,
      has_more: hasMore,
      next_cursor: hasMore && last ? writeCursor(query.sort, filterDigest(query), last) : null,
      counts,
    };
  }
}
