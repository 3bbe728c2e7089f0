import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import { etagOf } from '@watchlist/client';
import { api } from '../../api/client.js';
import { answerOf, outcomeOf } from '../../api/problem.js';
import type { Item, ItemType } from '../../api/types.js';
import { type ListQuery, parametersOf } from './list-query.js';
import { isOf } from './shown.js';

export interface Fields {
  readonly title: string;
  readonly type: ItemType;
}

/** An item, and the tag of just this state of it. */
export interface Tagged {
  readonly item: Item;
  readonly etag: string;
}

/** A page of the list, and how many there are on all of them. */
export interface List {
  readonly watchlist: readonly Item[];
  readonly total: number;
}

/** Every page of the list is below this one: a change makes all of them be asked for again. */
export const LIST_KEY = ['list'] as const;

export const listOptions = (query: ListQuery) =>
  queryOptions({
    queryKey: [...LIST_KEY, query],
    queryFn: (): Promise<List> =>
      answerOf(api.GET('/v1/watchlists', { params: { query: parametersOf(query) } })),
    // Until the next page is there the last one stays.
    placeholderData: keepPreviousData,
  });

export async function addItem(fields: Fields): Promise<Item> {
  return (await answerOf(api.POST('/v1/watchlists/items', { body: fields }))).item;
}

export async function readItem(id: number): Promise<Tagged> {
  return tagged(
    await outcomeOf(api.GET('/v1/watchlists/items/{item_id}', { params: { path: { item_id: id } } })),
  );
}

/** @throws ApiProblem 412 when it is not as the tag says any more */
export async function changeItem(id: number, fields: Fields, etag: string): Promise<Tagged> {
  const params = { path: { item_id: id }, header: { 'If-Match': etag } };
  return tagged(await outcomeOf(api.PATCH('/v1/watchlists/items/{item_id}', { params, body: fields })));
}

/** Also from a page that is being left. @throws ApiProblem 412 when it is not as the tag says any more */
export async function deleteItem(id: number, etag: string): Promise<void> {
  const params = { path: { item_id: id }, header: { 'If-Match': etag } };
  await answerOf(api.DELETE('/v1/watchlists/items/{item_id}', { params, keepalive: true }));
}

/** Takes what the server has deleted out of what is kept here, until the server is asked again. */
export async function forgetItem(queries: QueryClient, item: Item): Promise<void> {
  // An answer from before the deletion would bring it back.
  await queries.cancelQueries({ queryKey: LIST_KEY });
  for (const [key, list] of queries.getQueriesData<List>({ queryKey: LIST_KEY })) {
    if (list === undefined || !isOf(key[1] as ListQuery, item)) continue;
    const watchlist = list.watchlist.filter(({ id }) => id !== item.id);
    queries.setQueryData<List>(key, { watchlist, total: list.total - 1 });
  }
}

function tagged({ data, response }: { data: { item: Item }; response: Response }): Tagged {
  // Without one nothing matches.
  return { item: data.item, etag: etagOf(response) ?? '' };
}
