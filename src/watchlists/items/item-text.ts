import { tagKey } from '../../common/validation/fields.js';
import type { ItemFields } from './item-fields.js';

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
export function titleKey(title: string): Buffer {
  const key = folded(title).replace(ARTICLE, '');
  return Buffer.from(
    key.length > MAXIMUM_KEY_CHARACTERS ? [...key].slice(0, MAXIMUM_KEY_CHARACTERS).join('') : key,
  );
}

/** The words of a search, in the form in which `search_text` contains them. */
export const searchWords = (text: string) => folded(text).split(/\s+/).filter(Boolean);

/** The columns that are worked out from an item's fields, for sorting and for filtering. */
export function derivedColumns({ title, notes, tags }: Pick<ItemFields, 'title' | 'notes' | 'tags'>) {
  return {
    titleKey: titleKey(title),
    searchText: folded([title, notes ?? '', ...tags].join('\n')),
    // A tag has no comma.
    tagKeys: tags.length === 0 ? '' : `,${tags.map(tagKey).join(',')},`,
  };
}
