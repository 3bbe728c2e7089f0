import { ApiCount } from '../openapi/api-fields.js';

/** What every list says of itself; the rows stand beside it under a name of their own. */
export class PageResponse {
  @ApiCount(0)
  readonly skip!: number;

  @ApiCount(10)
  readonly limit!: number;

  @ApiCount()
  readonly total!: number;
}
