/** Accents and other marks of Latin, Greek and Cyrillic letters. In other scripts a mark makes another letter. */
const MARKS = /[\u0300-\u036f]/g;
const ARTICLE = /^(?:the|an?)\s+(?=\S)/;

/**
 * An index entry of PostgreSQL holds 2,700 bytes at most. No title of ordinary text comes near 512 characters;
 * only compatibility characters that NFKC spells out many times over do, and those tie beyond this.
 */
const MAXIMUM_KEY_CHARACTERS = 512;

/** The text without case, accents and width: *AMÉLIE* becomes *amelie*. */
export const folded = (text: string) =>
  text.normalize('NFKD').replace(MARKS, '').normalize('NFC').toLowerCase();

/**
 * The sort key of a title: folded, without a leading English article, as UTF-8 bytes, because both databases order bytes
 * by code point.
 */
export function sortKey(title: string): Buffer {
  const key = folded(title).replace(ARTICLE, '');
  return Buffer.from(
    key.length > MAXIMUM_KEY_CHARACTERS ? [...key].slice(0, MAXIMUM_KEY_CHARACTERS).join('') : key,
  );
}
