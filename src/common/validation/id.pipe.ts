import { Injectable, type PipeTransform } from '@nestjs/common';
import { isIdText } from './fields.js';

/** Ids start at 1. */
const UNUSED_ID = 0;

/**
 * Reads an id from the path. An invalid id becomes an unused one, so that the route responds as for any unknown id.
 * Nest's own pipe would reject it before the body is validated, and would accept `1e3` and `0x10`.
 */
@Injectable()
export class IdPipe implements PipeTransform<string, number> {
  transform(value: string): number {
    return isIdText(value) ? Number(value) : UNUSED_ID;
  }
}
