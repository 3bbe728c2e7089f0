/**
 * An index entry of PostgreSQL holds 2,700 bytes at most. No title of ordinary text comes near 512 characters;
 * only compatibility characters that NFKC spells out many times over do, and those tie beyond this.
 */
const MAXIMUM_CHARACTERS = 512;

/** The sort key of a title: NFKC, lower case, as UTF-8 bytes, because both databases order bytes by code point. */
export function titleKey(title: string): Buffer {
  const folded = title.normalize('NFKC').toLowerCase();
  return Buffer.from(
    folded.length > MAXIMUM_CHARACTERS ? [...folded].slice(0, MAXIMUM_CHARACTERS).join('') : folded,
  );
}
