import type { Item } from '../../api/types.js';
import type { List } from './items.js';
import { type ListQuery, PAGE_SIZE, skipOf } from './list-query.js';

/** An item on its way out, and where it stood. */
export interface Gone {
  readonly item: Item;
  readonly query: ListQuery;
  /** From 0, in the whole list of that query. */
  readonly index: number;
}

/** A page as it will be once what is on its way out is gone. */
export function shownOf(list: List, query: ListQuery, gone: readonly Gone[]): List {
  const isGone = ({ id }: Item) => gone.some(({ item }) => item.id === id);
  const isListed = ({ id }: Item) => list.watchlist.some((item) => item.id === id);
  // One that stood on an earlier page of this same list has moved everything here up by one.
  const ahead = gone.filter(
    ({ item, query: { type, sort }, index }) =>
      type === query.type && sort === query.sort && index < skipOf(query.page) && !isListed(item),
  ).length;
  const watchlist = list.watchlist.filter((item) => !isGone(item)).slice(ahead, ahead + PAGE_SIZE);
  const total = list.total - gone.filter(({ item }) => isOf(query, item)).length;
  // Somebody else may have deleted it first, and then it is not counted any more.
  return { watchlist, total: Math.max(total, watchlist.length) };
}

/** Whether the filter lets it through. */
export const isOf = ({ type }: ListQuery, item: Item) => type === 'all' || type === item.type;
