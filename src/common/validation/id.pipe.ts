import { Injectable, type PipeTransform } from '@nestjs/common';
import { isIdText } from './fields.js';

/** Ids begin at 1. */
const NOBODYS_ID = 0;

/**
 * An id from the path. What cannot be an id becomes one that nothing has, so that it is answered like any other
 * unknown id, and not before the body has been looked at. Nest's own number conversion would accept `1e3` and `0x10`.
 */
@Injectable()
export class IdPipe implements PipeTransform<string, number> {
  transform(value: string): number {
    return isIdText(value) ? Number(value) : NOBODYS_ID;
  }
}
