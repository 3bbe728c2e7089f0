import { QueryInteger } from '../validation/fields.js';

/** The `skip` and `limit` parameters of every list. */
export class PageQuery {
  @QueryInteger({ minimum: 0, default: 0, description: 'The number of rows to skip.' })
  readonly skip: number = 0;

  @QueryInteger({
    minimum: 1,
    maximum: 100,
    default: 10,
    description: 'The maximum number of rows to return.',
  })
  readonly limit: number = 10;
}

/** One page of rows. `total` counts the rows of all pages. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}
