import type { operations } from '@watchlist/client';
import { useSearchParams } from 'react-router';

type Parameters = NonNullable<operations['listItems']['parameters']['query']>;

export const PAGE_SIZE = 12;

export const TYPES = { all: 'All', movie: 'Movies', show: 'Shows' } as const;
export type TypeFilter = keyof typeof TYPES;

export const SORTS = {
  created_at_desc: 'Newest first',
  created_at_asc: 'Oldest first',
  title_asc: 'Title A–Z',
  title_desc: 'Title Z–A',
} as const;
export type Sort = keyof typeof SORTS;

export interface ListQuery {
  readonly type: TypeFilter;
  readonly sort: Sort;
  /** From 1. */
  readonly page: number;
}

const MAXIMUM_PAGE = 100_000;

type Change = (part: Partial<ListQuery>, options?: { readonly replace?: boolean }) => void;

/** What is shown, as the address has it, so that it can be kept, sent, and gone back to. What it cannot mean is left out. */
export function useListQuery(): [ListQuery, Change] {
  const [search, setSearch] = useSearchParams();
  const type = search.get('type');
  const sort = search.get('sort');
  const page = Number(search.get('page'));
  const query: ListQuery = {
    type: type !== null && Object.hasOwn(TYPES, type) ? (type as TypeFilter) : 'all',
    sort: sort !== null && Object.hasOwn(SORTS, sort) ? (sort as Sort) : 'created_at_desc',
    page: Number.isInteger(page) && page >= 1 && page <= MAXIMUM_PAGE ? page : 1,
  };
  // Another filter or order begins at its first page.
  const change: Change = (part, options) => setSearch(textOf({ ...query, page: 1, ...part }), options);
  return [query, change];
}

/** As the API takes it. One more than a page: the next one takes the place of what is being deleted. */
export function parametersOf({ type, sort, page }: ListQuery): Parameters {
  return {
    skip: skipOf(page),
    limit: PAGE_SIZE + 1,
    sort,
    ...(type !== 'all' && { type }),
  };
}

export const skipOf = (page: number) => (page - 1) * PAGE_SIZE;

function textOf({ type, sort, page }: ListQuery): Record<string, string> {
  return {
    ...(type !== 'all' && { type }),
    ...(sort !== 'created_at_desc' && { sort }),
    ...(page > 1 && { page: String(page) }),
  };
}
