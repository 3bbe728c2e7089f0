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

function ago(at: Date): string {
  const seconds = (at.getTime() - Date.now()) / 1000;
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  if (unit === undefined) return 'just now';
  const [name, length] = unit;
  // What was made for thirty days is good for thirty days, a moment later, too.
  return relative.format(seconds > 0 ? Math.round(seconds / length) : Math.ceil(seconds / length), name);
}
