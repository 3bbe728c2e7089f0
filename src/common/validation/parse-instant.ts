const RFC3339 =
  /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,3}(?<finer>\d{0,6}))?(Z|[+-]\d{2}:\d{2})$/;

/** A day of the calendar as YYYY-MM-DD, which 30 February is not. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && parseInstant(`${text}T00:00:00Z`) !== undefined;
}

/**
 * An RFC 3339 time with its offset; undefined for anything else, 30 February included. Stored times are whole
 * milliseconds: what is finer is rounded up, so that each of them stays on its side of the time that was meant.
 */
export function parseInstant(text: string): Date | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const instant = new Date(text);
  if (Number.isNaN(instant.getTime())) return undefined;
  // Date rolls 30 February over into March: the day as written must be one that its month has.
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  if (/[1-9]/.test(match.groups!['finer'] ?? '')) instant.setTime(instant.getTime() + 1);
  // The offset can take the ends of the calendar to years that databases write in ways of their own.
  return /^\d{4}-/.test(instant.toISOString()) ? instant : undefined;
}
