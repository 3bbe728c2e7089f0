/** What decides which other pages an answer can name. */
interface LinkedPage {
  readonly skip: number;
  readonly limit: number;
  readonly next_cursor: string | null;
}

/** The `Link` header (RFC 8288) of a page of a list: the first page, the next one and the one before. */
export function pageLinks(url: string, { skip, limit, next_cursor }: LinkedPage): string {
  const [path, query = ''] = url.split('?') as [string, string | undefined];
  const linkTo = (rel: string, place: Readonly<Record<string, string>>) => {
    const parameters = new URLSearchParams(query);
    parameters.delete('cursor');
    parameters.delete('skip');
    for (const [name, value] of Object.entries(place)) parameters.set(name, value);
    const text = parameters.toString();
    return `<${path}${text === '' ? '' : `?${text}`}>; rel="${rel}"`;
  };
  return [
    linkTo('first', {}),
    ...(next_cursor === null ? [] : [linkTo('next', { cursor: next_cursor })]),
    ...(skip === 0 ? [] : [linkTo('prev', skip > limit ? { skip: String(skip - limit) } : {})]),
  ].join(', ');
}
