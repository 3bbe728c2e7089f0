/**
 * What an `<input type="datetime-local">` has, in the time of whoever looks, as the API wants it: in UTC. Empty where
 * there is no such time.
 */
export function instantOf(localTime: string): string {
  const time = new Date(localTime);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

/** The other way round. */
export function localTimeOf(instant: string | undefined): string {
  const time = new Date(instant ?? '');
  if (Number.isNaN(time.getTime())) return '';
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date}T${two(time.getHours())}:${two(time.getMinutes())}`;
}
