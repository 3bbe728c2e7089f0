import { ApiProperty } from '@nestjs/swagger';
import { ApiId, ApiInstant } from '../../common/openapi/api-fields.js';
import { ITEM_TYPES, type ItemType, type StoredItem } from './item.entity.js';

/** An item in every answer, the admin's included. A change of its fields also changes `ITEM_SHAPE` (item-tags.ts). */
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

/** The `Location` header of an answer that created an item at this path. */
export const itemLocation = (path: string) =>
  ({
    description: 'The new item.',
    required: true,
    schema: { type: 'string', maxLength: 100, pattern: `^${path}/\\d+$`, example: `${path}/1` },
  }) as const;
