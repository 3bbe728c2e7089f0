const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat('en', { dateStyle: 'long' });

const toTheMinute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const toTheSecond = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** How long ago, or in how long; on pointing at it, exactly when. */
export function Ago({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={exact.format(new Date(at))}>
      {ago(new Date(at))}
    </time>
  );
}

/** The day. */
export function OnDay({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={exact.format(new Date(at))}>
      {day.format(new Date(at))}
    </time>
  );
}

/** In the time, and the manner, of whoever looks. */
export function When({ at, isExact = false }: { readonly at: string; readonly isExact?: boolean }) {
  return <time dateTime={at}>{(isExact ? toTheSecond : toTheMinute).format(new Date(at))}</time>;
}

function ago(at: Date): string {
  const seconds = (at.getTime() - Date.now()) / 1000;
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  if (unit === undefined) return 'just now';
  const [name, length] = unit;
  // What was made for thirty days is good for thirty days, a moment later, too.
  return relative.format(seconds > 0 ? Math.round(seconds / length) : Math.ceil(seconds / length), name);
}
