import { randomInt } from 'node:crypto';
import { generateKeyBetween } from 'fractional-indexing';

const DIGITS = '0123456789';

/**
 * The place of a new item in the order of its owner's choice: behind all that were added before. Positions are keys of
 * fractional-indexing over decimal digits. The letter announces an integer part of 13 digits, the time in milliseconds.
 * The fraction tells items of one millisecond apart; it must not end with a zero.
 */
export const newPosition = (now: Date) =>
  `m${now.getTime().toString().padStart(13, '0')}${randomInt(100)}${randomInt(1, 10)}`;

/** A place between two items; null for an end of the list. */
export function positionBetween(before: string | null, after: string | null): string {
  // Two items of one millisecond can have the same position. There is no place between them, so this one comes behind both.
  return generateKeyBetween(before, before === after ? null : after, DIGITS);
}
