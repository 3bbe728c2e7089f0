/** An element of a list of tags, with the comma behind it; empty ones are allowed (RFC 9110, 5.6.1 and 8.8.3). */
const ELEMENT = /((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")?[\t ]*(?:,[\t ]*|$)/y;

/** True for a header that `If-Match` can have: an asterisk, or a list with a tag that is not weak. */
export const canMatchStrongly = (header: string) =>
  header === '*' || tagsIn(header).some((tag) => !isWeak(tag));

/** As `If-Match` asks: a weak tag never matches, and neither does anything in a malformed header. */
export function matchesStrongly(header: string, isCurrent: (tag: string) => boolean): boolean {
  return header === '*' || tagsIn(header).some((tag) => !isWeak(tag) && isCurrent(tag));
}

/** As `If-None-Match` asks: weak and strong tags are alike. The asterisk is left to the caller. */
export function matchesWeakly(header: string, etag: string): boolean {
  return tagsIn(header).some((tag) => opaque(tag) === opaque(etag));
}

const isWeak = (tag: string) => tag.startsWith('W/');
/** Without what proxies add when they compress an answer: `W/` in front, or `-gzip` and the like at the end. */
const opaque = (tag: string) =>
  tag.replace(/^W\//, '').replace(/(?:(?:--?|;)(?:gzip|br|zstd|deflate|df))+"$/i, '"');

/** None when the header is malformed. */
function tagsIn(header: string): readonly string[] {
  const tags: string[] = [];
  for (ELEMENT.lastIndex = 0; ELEMENT.lastIndex < header.length;) {
    const element = ELEMENT.exec(header);
    if (element === null) return [];
    if (element[1] !== undefined) tags.push(element[1]);
  }
  return tags;
}
