import { matchesStrongly, matchesWeakly } from './etag.js';

const TAG = '"a.b"';

const strong = (header: string, etag: string) => matchesStrongly(header, (tag) => tag === etag);

/** RFC 9110, 8.8.3.2. */
describe('comparison', () => {
  it.each([
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', 'W/"1"', false, true],
    // As Apache, Caddy, Jetty and others change tags when they compress.
    ['"1-gzip"', '"1"', false, true],
    ['W/"1-br"', 'W/"1"', false, true],
    ['"1--gzip"', '"1"', false, true],
    ['"1;gzip"', 'W/"1"', false, true],
    ['"1-zstd"', '"1"', false, true],
    ['"1-gzip"', '"1-br"', false, true],
    ['"1-df"', '"1"', false, true],
    ['"1-GZIP"', '"1"', false, true],
    ['"1-br-gzip"', '"1"', false, true],
    ['"2-gzip"', '"1"', false, false],
    ['"1-gzip-"', '"1"', false, false],
    ['"1gzip"', '"1"', false, false],
    ['"1"', '"1"', true, true],
  ])('of %s with %s is true when strong: %s, when weak: %s', (header, etag, isStrong, isWeak) => {
    expect(strong(header, etag)).toBe(isStrong);
    expect(matchesWeakly(header, etag)).toBe(isWeak);
  });

  it.each([
    ['the tag', TAG],
    ['a list that begins with it', `${TAG}, "b"`],
    ['a list that ends with it', `"b", W/"c", ${TAG}`],
    ['a list without spaces', `"b",${TAG},"c"`],
    ['a list with more of them, and tabs', `"b" \t ,\t${TAG}  ,  "c"`],
    ['a list with empty elements', `, ,,${TAG},,`],
    ['a list with a comma within a tag', `"b,c", ${TAG}`],
    ['a list with bytes above ASCII', `"\xe9", ${TAG}`],
    ['a list in which it is weak, too', `W/${TAG}, ${TAG}`],
    ['a list of thousands', `${'"b",'.repeat(4000)}${TAG}`],
  ])('finds it in %s', (_what, header) => {
    expect(strong(header, TAG)).toBe(true);
    expect(matchesWeakly(header, TAG)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['nothing but commas', ', ,'.repeat(5000)],
    ['another tag', '"b"'],
    ['the tag without quotes', 'a.b'],
    ['the tag in capitals', '"A.B"'],
    ['the tag in single quotes', "'a.b'"],
    ['the tag, with a small w', `w/${TAG}`],
    ['the tag, with a space within', 'W/ "a.b"'],
    ['half of it', '"a.b'],
    ['the other half', 'a.b"'],
    ['it, and something behind', `${TAG}x`],
    ['it, and something before', `x${TAG}`],
    ['it beside another without a comma', `${TAG} "b"`],
    ['it in a list that goes on with rubbish', `${TAG}, rubbish`],
    ['it in a list with an asterisk', `*, ${TAG}`],
    ['it within another one', `"x,${TAG.slice(1)}`],
    ['an asterisk in quotes', '"*"'],
    ['a space where none may be', '"a .b"'],
    ['a quote that never ends', `"${'x'.repeat(16_000)}`],
    ['spaces without end', `"b"${' '.repeat(16_000)}x`],
  ])('finds it not in %s', (_what, header) => {
    expect(strong(header, TAG)).toBe(false);
    expect(matchesWeakly(header, TAG)).toBe(false);
  });

  it('lets an asterisk stand for whatever there is', () => {
    expect(strong('*', TAG)).toBe(true);
    expect(strong('**', TAG)).toBe(false);
  });
});
