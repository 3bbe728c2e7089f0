import { randomInt } from 'node:crypto';

/**
 * The place of a new item in the order of its owner's choice: behind all that were added before. Positions are keys of
 * fractional-indexing over decimal digits. The letter announces an integer part of 13 digits, the time in milliseconds.
 * The fraction tells items of one millisecond apart; it must not end with a zero.
 */
export const newPosition = (now: Date) =>
  `m${now.getTime().toString().padStart(13, '0')}${randomInt(100)}${randomInt(1, 10)}`;
