import { ITEM_FIELDS } from '../item-fields.js';
import { bodyOf, patchOf } from '../../../common/validation/body-fields.js';

export class CreateItemDto extends bodyOf(ITEM_FIELDS) {}

export class UpdateItemDto extends patchOf(ITEM_FIELDS) {}
