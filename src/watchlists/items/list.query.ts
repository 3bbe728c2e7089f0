import { ApiPropertyOptional } from '@nestjs/swagger';
import { PageQuery } from '../../common/pagination/page.query.js';
import { IsOmittable, IsOneOf } from '../../common/validation/fields.js';
import { ITEM_TYPES, type ItemType } from './item-fields.js';
import { ITEM_SORTS, type ItemSort } from './item-query.js';

export class ListQuery extends PageQuery {
  @ApiPropertyOptional({ type: String, enum: ITEM_TYPES, description: 'Only items of this type.' })
  @IsOmittable()
  @IsOneOf(ITEM_TYPES)
  readonly type?: ItemType;

  @ApiPropertyOptional({
    type: String,
    enum: ITEM_SORTS,
    default: 'created_at_desc',
    description: 'Ties are broken by id.',
  })
  @IsOmittable()
  @IsOneOf(ITEM_SORTS)
  readonly sort: ItemSort = 'created_at_desc';
}
