import { hash as digest } from 'node:crypto';
import { ITEM_FIELDS, ITEM_STATUSES, ITEM_TYPES, type ItemStatus, type ItemType } from './item-fields.js';
import { groupOf } from '../lists/list-counts.js';
import type { StoredItem, WatchlistItem } from './item.entity.js';
import { after, type ItemSort, orderOf, type Position } from './item-sort.js';

export interface ExternalIdFilter {
  readonly provider: string;
  readonly value: string;
}

/** What an item must match. What is left out matches every item. */
export interface ItemFilter {
  readonly type?: ItemType;
  readonly statuses?: readonly ItemStatus[];
  /** Keys of tags. An item must have all of them. */
  readonly tagKeys?: readonly string[];
  /** Folded words. Title, notes or tags must contain each of them. */
  readonly words?: readonly string[];
  readonly yearFrom?: number;
  readonly yearTo?: number;
  readonly ratingFrom?: number;
  readonly ratingTo?: number;
  /** Fields that must be set. `ids.imdb` is one id. */
  readonly has?: readonly string[];
  /** Fields that must not be set. */
  readonly lacks?: readonly string[];
  /** An item must have one of these ids. */
  readonly ids?: readonly ExternalIdFilter[];
  /** The items in the trash, instead of those on the list. */
  readonly isDeleted?: boolean;
}

export interface ItemQuery {
  readonly filter: ItemFilter;
  /** The owner of the items; all owners when left out. */
  readonly ownerId?: number;
  readonly sort: ItemSort;
  readonly skip: number;
  readonly limit: number;
  /** Only items after this one. Instead of `skip`. */
  readonly after?: Position;
}

/** The list of one owner. */
export type OwnedQuery = ItemQuery & { readonly ownerId: number };

export interface Statement {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

/** How many items there are in each status. */
export type StatusCounts = Readonly<Record<ItemStatus, number>>;

export type OwnedItem = StoredItem & Pick<WatchlistItem, 'user'>;

export interface ItemPage<Item = StoredItem> {
  readonly rows: readonly Item[];
  /** True when there are items after these. */
  readonly hasMore: boolean;
  /** Of all pages together. */
  readonly total: number;
  /** By status, under the rest of the filter. */
  readonly counts: StatusCounts;
  /** The list's version; of no meaning for several lists. */
  readonly version: number;
}

/** Adds a value to a statement's parameters and returns its place in the text. */
type Bind = (value: unknown) => string;

const bindTo =
  (parameters: unknown[]): Bind =>
  (value) =>
    `$${parameters.push(value)}`;

/** The fields that `has` and `lacks` can name. */
export const FILTERABLE_FIELDS = Object.entries(ITEM_FIELDS)
  .filter(([name, field]) => 'unset' in field && name !== 'status')
  .map(([name]) => name);

function isSet(name: string, bind: Bind): string {
  const [field, provider] = name.split('.') as [string, string | undefined];
  if (provider !== undefined) {
    const ids = `SELECT 1 FROM watchlist_item_ids known WHERE known.item_id = item.id`;
    return `EXISTS (${ids} AND known.provider = ${bind(provider)})`;
  }
  const { unset } = (ITEM_FIELDS as Record<string, { readonly unset?: unknown }>)[field]!;
  return unset === null ? `item.${field} IS NOT NULL` : `item.${field} <> '${JSON.stringify(unset)}'`;
}

/** As the column has it. */
const tenths = (rating: number | undefined) => rating && Math.round(rating * 10);

const escaped = (text: string) => text.replace(/[\\%_]/g, '\\$&');

/** @param owner the SQL of the owner's id; undefined for all owners */
function conditionsOf(filter: ItemFilter, owner: string | undefined, bind: Bind): string {
  const contains = (column: string, text: string) =>
    `item.${column} LIKE ${bind(`%${escaped(text)}%`)} ESCAPE '\\'`;
  const compare = (column: string, operator: string, value: number | undefined) =>
    value === undefined ? [] : [`item.${column} ${operator} ${bind(value)}`];
  const { ids } = filter;
  const anyId = ids
    ?.map(
      ({ provider, value }) => `(known.provider = ${bind(provider)} AND known.external_id = ${bind(value)})`,
    )
    .join(' OR ');
  return [
    ...(anyId === undefined
      ? []
      : [`EXISTS (SELECT 1 FROM watchlist_item_ids known WHERE known.item_id = item.id AND (${anyId}))`]),
    ...(owner === undefined ? [] : [`item.user_id = ${owner}`]),
    `item.deleted_at IS ${filter.isDeleted ? 'NOT NULL' : 'NULL'}`,
    ...(filter.type === undefined ? [] : [`item.type = ${bind(filter.type)}`]),
    ...compare('year', '>=', filter.yearFrom),
    ...compare('year', '<=', filter.yearTo),
    ...compare('rating', '>=', tenths(filter.ratingFrom)),
    ...compare('rating', '<=', tenths(filter.ratingTo)),
    ...(filter.has ?? []).map((name) => isSet(name, bind)),
    ...(filter.lacks ?? []).map((name) => `NOT ${isSet(name, bind)}`),
    ...(filter.tagKeys ?? []).map((key) => contains('tag_keys', `,${key},`)),
    ...(filter.words ?? []).map((word) => contains('search_text', word)),
  ].join(' AND ');
}

const hasStatus = ({ statuses }: ItemFilter, bind: Bind) =>
  statuses === undefined ? '' : ` AND item.status IN (${statuses.map(bind).join(', ')})`;

/** True when the list's own counts say how many items match. */
export function isCounted({ filter }: Pick<ItemQuery, 'filter'>): boolean {
  const { type: _type, statuses: _statuses, ...others } = filter;
  return Object.values(others).every((value) => value === undefined || value === false);
}

const countColumn = (status: ItemStatus) => `count_${status}`;

/** The columns of `watchlists` that count the items of a status. */
const keptCounts = ({ type }: ItemFilter, status: ItemStatus) =>
  (type === undefined ? ITEM_TYPES : [type])
    .map((each) => `list.${groupOf({ type: each, status })}`)
    .join(' + ');

/** One row: how many items of each status match the other conditions, and the list's version. */
function countsOf(filter: ItemFilter, owner: string | undefined, conditions: string): string {
  const listOfOwner = owner === undefined ? '' : `WHERE list.user_id = ${owner}`;
  if (isCounted({ filter })) {
    const counts = ITEM_STATUSES.map(
      (status) => `COALESCE(SUM(${keptCounts(filter, status)}), 0) AS ${countColumn(status)}`,
    );
    return `SELECT ${counts.join(', ')}, COALESCE(MAX(list.version), 0) AS list_version FROM watchlists list ${listOfOwner}`;
  }
  const counts = ITEM_STATUSES.map(
    (status) => `COUNT(*) FILTER (WHERE item.status = '${status}') AS ${countColumn(status)}`,
  );
  const version = `(SELECT COALESCE(MAX(list.version), 0) FROM watchlists list ${listOfOwner}) AS list_version`;
  return `SELECT ${counts.join(', ')}, ${version} FROM watchlist_items item WHERE ${conditions}`;
}

/**
 * One page, and one row more when there is another page. Each row also has the counts and the version, and a page
 * without items is one row without an id. All of it comes from one statement, so that a write in between cannot make
 * it disagree.
 *
 * @param columns what is selected of `item` and, with `withOwner`, of `owner`
 */
export function pageStatement(
  { filter, ownerId, sort, skip, limit, after: position }: ItemQuery,
  columns: string,
  { withOwner = false }: { readonly withOwner?: boolean } = {},
): Statement {
  const parameters: unknown[] = [];
  const bind = bindTo(parameters);
  const owner = ownerId === undefined ? undefined : bind(ownerId);
  const conditions = conditionsOf(filter, owner, bind);
  // In the order in which the text has them, because SQLite numbers parameters by their first place in the text.
  const status = hasStatus(filter, bind);
  const isAfter = position === undefined ? '' : ` AND ${after(sort, position, bind)}`;
  const text = `SELECT counted.*, item.* FROM (${countsOf(filter, owner, conditions)}) counted
    LEFT JOIN (SELECT ${columns}
      FROM watchlist_items item ${withOwner ? 'JOIN users owner ON owner.id = item.user_id' : ''}
      WHERE ${conditions}${status}${isAfter}
      ORDER BY ${orderOf(sort)} LIMIT ${bind(limit + 1)} OFFSET ${bind(skip)}) item ON true`;
  return { text, parameters };
}

/** Queries with the same key can share a {@link batchedPagesStatement}. */
export const batchKeyOf = ({ filter: { type, statuses }, sort }: ItemQuery) => `${type} ${statuses} ${sort}`;

/** True for queries that {@link batchedPagesStatement} can answer. */
export const canBeBatched = (query: ItemQuery) => isCounted(query) && query.after === undefined;

/**
 * Pages of several owners in one statement; only PostgreSQL knows LATERAL. Each row is as in {@link pageStatement} and
 * has the `place` of its query.
 *
 * @param queries of one filter and sort
 */
export function batchedPagesStatement(queries: readonly OwnedQuery[], columns: string): Statement {
  const [{ filter, sort }] = queries as [OwnedQuery];
  const parameters: unknown[] = [
    queries.map(({ ownerId }) => ownerId),
    queries.map(({ limit }) => limit + 1),
    queries.map(({ skip }) => skip),
  ];
  const bind = bindTo(parameters);
  const conditions = conditionsOf(filter, 'asked.user_id', bind);
  const counts = ITEM_STATUSES.map(
    (status) => `COALESCE(${keptCounts(filter, status)}, 0) AS ${countColumn(status)}`,
  );
  const text = `SELECT asked.place, ${counts.join(', ')}, COALESCE(list.version, 0) AS list_version, item.*
    FROM unnest($1::int[], $2::int[], $3::int[]) WITH ORDINALITY AS asked (user_id, size, skipped, place)
    LEFT JOIN watchlists list ON list.user_id = asked.user_id
    LEFT JOIN LATERAL (SELECT ${columns} FROM watchlist_items item
      WHERE ${conditions}${hasStatus(filter, bind)}
      ORDER BY ${orderOf(sort)} LIMIT asked.size OFFSET asked.skipped) item ON true`;
  return { text, parameters };
}

/** The counts in a row of either statement, which PostgreSQL returns as text. */
export const countsIn = (row: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    ITEM_STATUSES.map((status) => [status, Number(row[countColumn(status)] ?? 0)]),
  ) as StatusCounts;

export const totalOf = (counts: StatusCounts, { statuses = ITEM_STATUSES }: ItemFilter) =>
  statuses.reduce((sum, status) => sum + counts[status], 0);

/** Stands for a filter and its owner in a cursor. */
export const filterDigest = ({ filter, ownerId, sort }: Omit<ItemQuery, 'skip' | 'limit'>) =>
  digest('sha256', JSON.stringify([sort, ownerId, filter]), 'base64url').slice(0, 12);
