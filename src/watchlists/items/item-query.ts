import { COUNT_COLUMNS, COUNTED_GROUPS } from '../lists/list-counts.js';
import type { ItemType } from './item-fields.js';
import { groupOf } from './item.entity.js';

export const ITEM_SORTS = ['created_at_desc', 'created_at_asc', 'title_asc', 'title_desc'] as const;
export type ItemSort = (typeof ITEM_SORTS)[number];

export interface ItemFilter {
  readonly type?: ItemType;
}

export interface ItemQuery extends ItemFilter {
  /** The owner of the items; all owners when left out. */
  readonly ownerId?: number;
  readonly sort: ItemSort;
  readonly skip: number;
  readonly limit: number;
}

/** The plain list of one owner, which many requests can read in one statement. */
export type PlainListQuery = ItemQuery & { readonly ownerId: number };

export interface Statement {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

/** Ties are broken by id, so that pages never overlap. */
const ORDER: Record<ItemSort, string> = {
  created_at_desc: 'item.created_at DESC, item.id DESC',
  created_at_asc: 'item.created_at ASC, item.id ASC',
  title_asc: 'item.title_key ASC, item.id ASC',
  title_desc: 'item.title_key DESC, item.id DESC',
};

/** Adds a value to a statement's parameters and returns its place in the text. */
type Bind = (value: unknown) => string;

const bindTo =
  (parameters: unknown[]): Bind =>
  (value) =>
    `$${parameters.push(value)}`;

/** @param owner the SQL of the owner's id; undefined for all owners */
function whereOf({ type }: ItemFilter, owner: string | undefined, bind: Bind): string {
  const conditions = [
    ...(owner === undefined ? [] : [`item.user_id = ${owner}`]),
    ...(type === undefined ? [] : [`item.type = ${bind(type)}`]),
  ];
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** How many items match, as the columns of `watchlists` that count them. */
function countOf({ type }: ItemFilter): string {
  const groups = type === undefined ? COUNTED_GROUPS : [groupOf({ type })];
  return groups.map((group) => COUNT_COLUMNS[group]).join(' + ');
}

function sumOf(filter: ItemFilter, owner: string | undefined): string {
  const where = owner === undefined ? '' : `WHERE user_id = ${owner}`;
  return `SELECT COALESCE(SUM(${countOf(filter)}), 0) AS total FROM watchlists ${where}`;
}

/**
 * One page; each row also has the `total`. Both come from one statement, so that a write in between cannot make them
 * disagree.
 *
 * @param columns what is selected of `item` and, with `withOwner`, of `owner`
 */
export function pageStatement(
  query: ItemQuery,
  columns: string,
  { withOwner = false }: { readonly withOwner?: boolean } = {},
): Statement {
  const parameters: unknown[] = [];
  const bind = bindTo(parameters);
  const owner = query.ownerId === undefined ? undefined : bind(query.ownerId);
  const text = `SELECT ${columns}, (${sumOf(query, owner)}) AS total
    FROM watchlist_items item ${withOwner ? 'JOIN users owner ON owner.id = item.user_id' : ''}
    ${whereOf(query, owner, bind)}
    ORDER BY ${ORDER[query.sort]} LIMIT ${bind(query.limit)} OFFSET ${bind(query.skip)}`;
  return { text, parameters };
}

/** The `total` alone, for a page without rows. */
export function totalStatement(query: ItemQuery): Statement {
  const parameters: unknown[] = [];
  const owner = query.ownerId === undefined ? undefined : bindTo(parameters)(query.ownerId);
  return { text: sumOf(query, owner), parameters };
}

/** Queries with the same key can share a {@link batchedPagesStatement}. */
export const batchKeyOf = ({ type, sort }: PlainListQuery) => `${type} ${sort}`;

/**
 * Pages of several owners in one statement; only PostgreSQL knows LATERAL. Each row has the `place` of its query, and
 * a page without items is one row without an id.
 *
 * @param queries of one filter and sort
 */
export function batchedPagesStatement(queries: readonly PlainListQuery[], columns: string): Statement {
  const [query] = queries as [PlainListQuery];
  const parameters: unknown[] = [
    queries.map(({ ownerId }) => ownerId),
    queries.map(({ limit }) => limit),
    queries.map(({ skip }) => skip),
  ];
  const where = whereOf(query, 'asked.user_id', bindTo(parameters));
  const text = `SELECT asked.place, COALESCE(${countOf(query)}, 0) AS total, item.*
    FROM unnest($1::int[], $2::int[], $3::int[]) WITH ORDINALITY AS asked (user_id, size, skipped, place)
    LEFT JOIN watchlists list ON list.user_id = asked.user_id
    LEFT JOIN LATERAL (SELECT ${columns} FROM watchlist_items item ${where}
      ORDER BY ${ORDER[query.sort]} LIMIT asked.size OFFSET asked.skipped) item ON true`;
  return { text, parameters };
}
