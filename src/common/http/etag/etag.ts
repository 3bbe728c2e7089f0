import { hash as digest } from 'node:crypto';
import { PreconditionFailedError } from '../../errors/common.errors.js';

/** An element of a list of tags, with the comma behind it; empty ones are allowed (RFC 9110, 5.6.1 and 8.8.3). */
const ELEMENT = /((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")?[\t ]*(?:,[\t ]*|$)/y;

/** Strong: made of the bytes that are sent and nothing else, so that two answers with one tag are the same bytes. */
export function entityTag(body: string): string {
  return `"${digest('sha256', body, 'base64url')}"`;
}

/** As `If-Match` asks: a weak tag never matches, and neither does anything in a header that is malformed. */
export function matchesStrongly(header: string, etag: string): boolean {
  return header === '*' || (!isWeak(etag) && tagsIn(header).includes(etag));
}

/** As `If-None-Match` asks: weak and strong tags are alike. The asterisk is for whoever knows that there is something. */
export function matchesWeakly(header: string, etag: string): boolean {
  return tagsIn(header).some((tag) => opaque(tag) === opaque(etag));
}

/**
 * For a change that is based on an earlier answer. To be asked while nobody else can change what is represented.
 *
 * @param ifMatch the request's header
 * @param representation what would be answered now
 * @throws PreconditionFailedError when there is a header, and it does not name that
 */
export function confirmMatch(ifMatch: string | undefined, representation: object): void {
  if (ifMatch === undefined) return;
  if (!matchesStrongly(ifMatch, entityTag(JSON.stringify(representation)))) {
    throw new PreconditionFailedError();
  }
}

const isWeak = (tag: string) => tag.startsWith('W/');
const opaque = (tag: string) => tag.replace(/^W\//, '');

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
