import { ITEM_STATUSES, ITEM_TYPES, type ItemStatus, type ItemType } from '../items/item-fields.js';

/** A group of items that a list counts: those of one type and status. Also the name of the column with the count. */
export type CountedGroup = `${ItemType}_${ItemStatus}`;
/** How many items there are in each group, or by how many a group grows. */
export type ListCounts = Readonly<Record<CountedGroup, number>>;

export const groupOf = ({ type, status }: { readonly type: ItemType; readonly status: ItemStatus }) =>
  `${type}_${status}` as const;

export const COUNTED_GROUPS: readonly CountedGroup[] = ITEM_TYPES.flatMap((type) =>
  ITEM_STATUSES.map((status) => groupOf({ type, status })),
);

const countsBy = (count: (group: CountedGroup) => number) =>
  Object.fromEntries(COUNTED_GROUPS.map((group) => [group, count(group)])) as ListCounts;

/** How the counts change when an item moves between groups; null: the item is not on the list. */
export function growthBetween(before: CountedGroup | null, after: CountedGroup | null): ListCounts {
  return countsBy((group) => Number(group === after) - Number(group === before));
}

/** The counts in a row of the database, whose sums PostgreSQL returns as text. No row: an empty list. */
export function countsIn(row: Readonly<Record<string, unknown>> = {}): ListCounts {
  return countsBy((group) => Number(row[group] ?? 0));
}

/** How many items there are of these types and statuses. */
export function sumOf(
  counts: ListCounts,
  {
    types = ITEM_TYPES,
    statuses = ITEM_STATUSES,
  }: { types?: readonly ItemType[]; statuses?: readonly ItemStatus[] } = {},
): number {
  return types
    .flatMap((type) => statuses.map((status) => counts[groupOf({ type, status })]))
    .reduce((sum, count) => sum + count, 0);
}
