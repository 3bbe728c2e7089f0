import type { ItemType } from '../api/types.js';

export const ITEM_TYPES = { movie: 'Movie', show: 'Show' } as const satisfies Record<ItemType, string>;

export function TypeBadge({ type }: { readonly type: ItemType }) {
  return <span className={`tag tag-${type}`}>{ITEM_TYPES[type]}</span>;
}
