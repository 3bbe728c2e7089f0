import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ApiCount, ApiStatusOk } from '../../../common/openapi/api-fields.js';
import { QueryText } from '../../../common/validation/query-fields.js';
import { ItemResponse } from '../item-response.js';
import { ITEM_STATUSES } from '../item-fields.js';
import type { StoredItem } from '../item.entity.js';
import type { ListSummary, TagCount } from '../items.service.js';
import { ItemFilterQuery } from '../list.query.js';
import { sumOf } from '../../lists/list-counts.js';

/** Flat numbers, as dashboards and widgets read them. */
export class SummaryResponse {
  @ApiCount()
  readonly total!: number;

  @ApiCount(30)
  readonly movies!: number;

  @ApiCount(12)
  readonly shows!: number;

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

  @ApiProperty({ type: Number, minimum: 0.1, maximum: 10, nullable: true, example: 7.8 })
  readonly average_rating!: number | null;

  @ApiCount(4)
  readonly added_last_30_days!: number;

  @ApiCount(3)
  readonly watched_last_30_days!: number;

  @ApiProperty({
    type: String,
    maxLength: 255,
    pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
    nullable: true,
    example: 'Parasite',
    description: 'The first planned title in your own order.',
  })
  readonly next_title!: string | null;

  static from({ counts, figures, nextTitle }: ListSummary): SummaryResponse {
    const byStatus = Object.fromEntries(
      ITEM_STATUSES.map((status) => [status, sumOf(counts, { statuses: [status] })]),
    ) as Pick<SummaryResponse, (typeof ITEM_STATUSES)[number]>;
    return {
      total: sumOf(counts),
      movies: sumOf(counts, { types: ['movie'] }),
      shows: sumOf(counts, { types: ['show'] }),
      ...byStatus,
      average_rating: figures.averageRating,
      added_last_30_days: figures.added,
      watched_last_30_days: figures.watched,
      next_title: nextTitle,
    };
  }
}

export class TagsQuery {
  @QueryText({ maxLength: 100, description: 'Only tags that contain each of these words.' })
  readonly q?: string;
}

export class TagCountResponse implements TagCount {
  @ApiProperty({ type: String, minLength: 1, maxLength: 40, pattern: '^[^,]*$', example: 'cinema' })
  readonly tag!: string;

  @ApiCount(7)
  readonly count!: number;
}

export class TagsResponse {
  @ApiProperty({ type: [TagCountResponse], maxItems: 1_000_000 })
  readonly tags!: TagCountResponse[];
}

export class PickQuery extends ItemFilterQuery {
  @QueryText({
    maxLength: 100,
    description: 'The same seed picks the same item while the list stays the same.',
  })
  readonly seed?: string;
}

export class PickResponse {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: String, minLength: 1, maxLength: 100, pattern: '^[^\\u0000]*$', example: '7f3a9c' })
  readonly seed!: string;

  @ApiPropertyOptional({ type: ItemResponse, description: 'Left out when no item matches.' })
  readonly item?: ItemResponse;

  static from(seed: string, item: StoredItem | null): PickResponse {
    return { status: 'ok', seed, ...(item && { item: ItemResponse.from(item) }) };
  }
}
