/** Two spellings of one name: case, separators and plurals do not count, nor does the name of this program in front. */
const reduce = (name: string) =>
  name
    .toUpperCase()
    .replace(/[^A-Z\d]+/g, '_')
    .replace(/^_|_$/g, '')
    .replace(/^WATCHLIST_(API_)?/, '')
    .split('_')
    .map((word) => word.replace(/IES$/, 'Y').replace(/S$/, ''))
    .join('');

/** One letter may be wrong in a name of six or more letters, and two in a name of ten or more. */
const tolerance = ({ length }: string) => (length < 6 ? 0 : length < 10 ? 1 : 2);

/** How many letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          rows[i - 1]![j]! + 1,
          row[j - 1]! + 1,
          replaced,
          isSwapped ? rows[i - 2]![j - 2]! + 1 : replaced,
        ),
      );
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** One line for each name that looks like one of ours and is not read. */
export function warningsOfNearMisses(
  source: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): string[] {
  const reduced = known.map((name) => ({ name, letters: reduce(name) }));
  return Object.entries(source).flatMap(([given, value = '']) => {
    // Kubernetes sets NAME_PORT=tcp://… for each service.
    if (known.includes(given) || value.trim() === '' || /^(tcp|udp|sctp):\/\//.test(value)) return [];
    const letters = reduce(given);
    if (letters.length > 40) return [];
    const meant = reduced.find((one) => distance(letters, one.letters) <= tolerance(one.letters));
    return meant === undefined
      ? []
      : [`${given.replace(/[^\w.-]/g, '')} is not read: did you mean ${meant.name}?`];
  });
}
