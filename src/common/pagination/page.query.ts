import { QueryInteger } from '../validation/fields.js';

/** `skip` and `limit`, as every list has them. */
export class PageQuery {
  @QueryInteger({ minimum: 0, default: 0, description: 'How many to leave out at the start.' })
  readonly skip: number = 0;

  @QueryInteger({ minimum: 1, maximum: 100, default: 10, description: 'How many to return at most.' })
  readonly limit: number = 10;
}

/** One page of rows, and how many there are on all pages together. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}
