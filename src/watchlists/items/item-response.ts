import { ApiId, ApiInstant, ApiVersion } from '../../common/openapi/api-fields.js';
import { answerOf } from '../../common/validation/body-fields.js';
import { ITEM_FIELDS, type ItemFields } from './item-fields.js';
import type { StoredItem } from './item.entity.js';

const FIELD_NAMES = Object.keys(ITEM_FIELDS) as (keyof ItemFields)[];

const ApiDeletedInstant = (description: string) => ApiInstant({ required: false, description });

/** An item in every answer, the admin's included. A change of its fields also changes `ITEM_SHAPE` (item-tags.ts). */
export class ItemResponse extends answerOf(ITEM_FIELDS) {
  @ApiId()
  readonly id!: number;

  @ApiInstant()
  readonly created_at!: Date;

  @ApiInstant()
  readonly updated_at!: Date;

  @ApiVersion("The list's version at the item's last change.")
  readonly version!: number;

  @ApiDeletedInstant('When the item was moved to the trash. Only items in the trash have it.')
  readonly deleted_at?: Date;

  @ApiDeletedInstant('When the item in the trash will be deleted for good.')
  readonly purge_at?: Date;

  static from(item: StoredItem): ItemResponse {
    const fields = Object.fromEntries(FIELD_NAMES.map((name) => [name, item[name]])) as unknown as ItemFields;
    return {
      id: item.id,
      ...fields,
      created_at: item.createdAt,
      updated_at: item.updatedAt,
      version: item.version,
      ...(item.deletedAt && { deleted_at: item.deletedAt, purge_at: item.purgeAt! }),
    };
  }
}

/** The `Location` header of an answer that created an item at this path. */
export const itemLocation = (path: string) =>
  ({
    description: 'The new item.',
    required: true,
    schema: { type: 'string', maxLength: 100, pattern: `^${path}/\\d+$`, example: `${path}/1` },
  }) as const;
