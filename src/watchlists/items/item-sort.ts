import { sortKey } from '../../common/folded.js';
import { isDay, parseInstant } from '../../common/validation/parse-instant.js';
import type { StoredItem } from './item.entity.js';

/** How a cursor holds the value by which items are sorted. */
interface SortValue {
  /** The entity's property whose column is compared. */
  readonly property: string;
  readonly column: string;
  /** Items without a value come last. */
  readonly isNullable: boolean;
  readonly write: (item: StoredItem) => unknown;
  /** Undefined for anything that `write` does not return. */
  readonly read: (written: unknown) => unknown;
}

const instant = (property: 'createdAt' | 'updatedAt' | 'watched_at', column: string): SortValue => ({
  property,
  column,
  isNullable: property === 'watched_at',
  write: (item) => item[property]?.toISOString(),
  read: (written) => (typeof written === 'string' ? parseInstant(written) : undefined),
});

const number = (property: 'year' | 'rating'): SortValue => ({
  property,
  column: property,
  isNullable: true,
  write: (item) => item[property],
  read: (written) =>
    typeof written === 'number' && Number.isInteger(written * 10) && Math.abs(written) < 10_000
      ? written
      : undefined,
});

const VALUES = {
  created_at: instant('createdAt', 'created_at'),
  updated_at: instant('updatedAt', 'updated_at'),
  watched_at: instant('watched_at', 'watched_at'),
  year: number('year'),
  rating: number('rating'),
  release_date: {
    property: 'release_date',
    column: 'release_date',
    isNullable: true,
    write: (item) => item.release_date,
    read: (written) => (typeof written === 'string' && isDay(written) ? written : undefined),
  },
  title: {
    property: 'titleKey',
    column: 'title_key',
    isNullable: false,
    write: ({ title }) => sortKey(title).toString(),
    read: (written) =>
      typeof written === 'string' && written.length <= 2048 ? Buffer.from(written) : undefined,
  },
  manual: {
    property: 'position',
    column: 'position',
    isNullable: false,
    write: (item) => item.position,
    read: (written) =>
      typeof written === 'string' && /^[0-9A-Za-z]{1,2000}$/.test(written) ? written : undefined,
  },
} satisfies Record<string, SortValue>;

const ascending = (value: SortValue) => ({ value, direction: 'ASC', ahead: '>' });
const descending = (value: SortValue) => ({ value, direction: 'DESC', ahead: '<' });

const SORTS = {
  created_at_desc: descending(VALUES.created_at),
  created_at_asc: ascending(VALUES.created_at),
  title_asc: ascending(VALUES.title),
  title_desc: descending(VALUES.title),
  updated_at_desc: descending(VALUES.updated_at),
  year_desc: descending(VALUES.year),
  year_asc: ascending(VALUES.year),
  rating_desc: descending(VALUES.rating),
  rating_asc: ascending(VALUES.rating),
  release_date_desc: descending(VALUES.release_date),
  release_date_asc: ascending(VALUES.release_date),
  watched_at_desc: descending(VALUES.watched_at),
  manual: ascending(VALUES.manual),
};

export type ItemSort = keyof typeof SORTS;
export const ITEM_SORTS = Object.keys(SORTS) as ItemSort[];

/** The place of an item in a sorted list. */
export interface Position {
  /** As the entity has it; null when the item has no value. */
  readonly value: unknown;
  readonly id: number;
}

/** The property of the entity that a sort compares. */
export const sortProperty = (sort: ItemSort) => SORTS[sort].value.property;

/** Ties are broken by id, so that pages never overlap. */
export function orderOf(sort: ItemSort): string {
  const { value, direction } = SORTS[sort];
  const unsetLast = value.isNullable ? `item.${value.column} IS NULL, ` : '';
  return `${unsetLast}item.${value.column} ${direction}, item.id ${direction}`;
}

/** The condition for the items after a position. */
export function after(sort: ItemSort, { value, id }: Position, bind: (value: unknown) => string): string {
  const {
    value: { column, isNullable },
    ahead,
  } = SORTS[sort];
  if (value === null) return `item.${column} IS NULL AND item.id ${ahead} ${bind(id)}`;
  const isAhead = `(item.${column}, item.id) ${ahead} (${bind(value)}, ${bind(id)})`;
  return isNullable ? `(item.${column} IS NULL OR ${isAhead})` : isAhead;
}

/** A place in one particular list: sorted by `sort`, with the filter that `filter` stands for. */
export function writeCursor(sort: ItemSort, filter: string, item: StoredItem): string {
  const written = SORTS[sort].value.write(item) ?? null;
  return Buffer.from(JSON.stringify([filter, written, item.id])).toString('base64url');
}

/** Undefined for a cursor that does not belong to this list, or is none at all. */
export function readCursor(sort: ItemSort, filter: string, cursor: string): Position | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 3 || parts[0] !== filter) return undefined;
  const [, written, id] = parts as [string, unknown, unknown];
  const { isNullable, read } = SORTS[sort].value as SortValue;
  const value = written === null && isNullable ? null : read(written);
  const isId = Number.isInteger(id) && (id as number) > 0 && (id as number) <= 2_147_483_647;
  return value === undefined || !isId ? undefined : { value, id: id as number };
}
