import { ApiProperty } from '@nestjs/swagger';
import { ApiCount, ApiStatusOk } from '../../common/openapi/api-fields.js';
import { type ListCounts, sumOf } from '../../watchlists/lists/list-counts.js';

export class UserCounts {
  @ApiCount(3)
  readonly total!: number;

  @ApiCount(1)
  readonly admins!: number;

  @ApiCount(0)
  readonly disabled!: number;
}

export class ItemCounts {
  @ApiCount(42)
  readonly total!: number;

  @ApiCount(30)
  readonly movies!: number;

  @ApiCount(12)
  readonly shows!: number;
}

export class StatsResponse {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: String, maxLength: 100, pattern: '^.*$', example: '3 users keep 42 items.' })
  readonly message!: string;

  @ApiProperty({ type: UserCounts })
  readonly users!: UserCounts;

  @ApiProperty({ type: ItemCounts })
  readonly items!: ItemCounts;

  static from({ total, admins, disabled }: UserCounts, counts: ListCounts): StatsResponse {
    const items = sumOf(counts);
    return {
      status: 'ok',
      message: `${total} ${total === 1 ? 'user keeps' : 'users keep'} ${items} ${items === 1 ? 'item' : 'items'}.`,
      users: { total, admins, disabled },
      items: {
        total: items,
        movies: sumOf(counts, { types: ['movie'] }),
        shows: sumOf(counts, { types: ['show'] }),
      },
    };
  }
}
