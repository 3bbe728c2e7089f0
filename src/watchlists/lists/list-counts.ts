/** The groups of items that a list counts, each with its column. Today an item's group is its type. */
export const COUNT_COLUMNS = { movie: 'movie_count', show: 'show_count' } as const;

export type CountedGroup = keyof typeof COUNT_COLUMNS;
/** How many items there are in each group, or by how many a group grows. */
export type ListCounts = Readonly<Record<CountedGroup, number>>;

export const COUNTED_GROUPS = Object.keys(COUNT_COLUMNS) as CountedGroup[];

const countsBy = (count: (group: CountedGroup) => number) =>
  Object.fromEntries(COUNTED_GROUPS.map((group) => [group, count(group)])) as ListCounts;

/** How the counts change when an item moves between groups; null: the item is not on the list. */
export function growthBetween(before: CountedGroup | null, after: CountedGroup | null): ListCounts {
  return countsBy((group) => Number(group === after) - Number(group === before));
}

/** The counts in a row of the database, whose sums PostgreSQL returns as text. No row: an empty list. */
export function countsIn(row: Readonly<Record<string, unknown>> = {}): ListCounts {
  return countsBy((group) => Number(row[COUNT_COLUMNS[group]] ?? 0));
}

export function totalOf(counts: ListCounts): number {
  return COUNTED_GROUPS.reduce((sum, group) => sum + counts[group], 0);
}
