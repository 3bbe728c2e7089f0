import { folded, sortKey } from '../../common/folded.js';
import { tagKey } from '../../common/validation/fields.js';
import type { ItemFields } from './item-fields.js';

/** The words of a search, in the form in which `search_text` contains them. */
export const searchWords = (text: string) => folded(text).split(/\s+/).filter(Boolean);

/** The columns that are worked out from an item's fields, for sorting and for filtering. */
export function derivedColumns({ title, notes, tags }: Pick<ItemFields, 'title' | 'notes' | 'tags'>) {
  return {
    titleKey: sortKey(title),
    searchText: folded([title, notes ?? '', ...tags].join('\n')),
    // A tag has no comma.
    tagKeys: tags.length === 0 ? '' : `,${tags.map(tagKey).join(',')},`,
  };
}
