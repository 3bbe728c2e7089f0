import {
  type NewValuesOf,
  textField,
  type ValuesOf,
  wordField,
} from '../../common/validation/body-fields.js';
import { ITEM_TYPES } from './item.entity.js';

/**
 * The fields of an item that its owner can edit. Bodies (also the admin's), merging and audit changes come from this
 * list. A new field is added here, to the entity under the same name, in a migration and in the response.
 */
export const ITEM_FIELDS = {
  title: textField({ maxLength: 255, example: 'Parasite' }),
  type: wordField(ITEM_TYPES, 'movie'),
};

export type ItemFields = ValuesOf<typeof ITEM_FIELDS>;
export type NewItem = NewValuesOf<typeof ITEM_FIELDS>;
export type ItemPatch = Partial<ItemFields>;
