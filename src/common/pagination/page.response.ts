import { ApiCount } from '../openapi/api-fields.js';

/** The fields that every list has. Each list adds its rows under its own name. */
export class PageResponse {
  @ApiCount(0)
  readonly skip!: number;

  @ApiCount(10)
  readonly limit!: number;

  /** Of all pages together. */
  @ApiCount()
  readonly total!: number;
}
