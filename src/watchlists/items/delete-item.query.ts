import { QueryFlag } from '../../common/validation/query-fields.js';

export class DeleteItemQuery {
  @QueryFlag('Deletes the item for good, from the list or from the trash, instead of moving it to the trash.')
  readonly permanent?: boolean;
}
