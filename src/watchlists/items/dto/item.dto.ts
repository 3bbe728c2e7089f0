import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { AtLeastOneOf } from '../../../common/validation/request-validation.pipe.js';
import {
  HasLength,
  HasNoControlCharacters,
  IsOmittable,
  IsOneOf,
  NormalizedText,
} from '../../../common/validation/fields.js';
import { ITEM_TYPES, type ItemType } from '../item.entity.js';

const TITLE = {
  type: String,
  minLength: 1,
  maxLength: 255,
  pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
  description: 'Trimmed and normalized (NFC); no control characters.',
  example: 'Parasite',
};
const TYPE = { type: String, enum: ITEM_TYPES, example: 'movie' };

export class CreateWatchlistItemDto {
  @ApiProperty(TITLE)
  @NormalizedText()
  @HasLength(1, 255)
  @HasNoControlCharacters()
  readonly title!: string;

  @ApiProperty(TYPE)
  @IsOneOf(ITEM_TYPES)
  readonly type!: ItemType;
}

@AtLeastOneOf('title', 'type')
export class UpdateWatchlistItemDto {
  @ApiPropertyOptional(TITLE)
  @IsOmittable()
  @NormalizedText()
  @HasLength(1, 255)
  @HasNoControlCharacters()
  readonly title?: string;

  @ApiPropertyOptional(TYPE)
  @IsOmittable()
  @IsOneOf(ITEM_TYPES)
  readonly type?: ItemType;
}
