const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** In the time of whoever looks. */
export function When({ at, isExact = false }: { readonly at: string; readonly isExact?: boolean }) {
  return <time dateTime={at}>{(isExact ? exact : format).format(new Date(at))}</time>;
}
