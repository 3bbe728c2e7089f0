import fc from 'fast-check';
import { folded, sortKey } from './folded.js';

const textOf = (title: string) => sortKey(title).toString();

describe(sortKey.name, () => {
  it.each([
    ['case', 'PARASITE', 'parasite'],
    ['case beyond ASCII', 'ΩMEGA Ж', 'ωmega ж'],
    ['accents', 'Élite Ångström Ё', 'elite angstrom е'],
    ['width', 'ＡＢＣ　１', 'abc 1'],
    ['ligatures', '\ufb01nal', 'final'],
    ['enclosed and Roman numbers', '\u2460 \u216b', '1 xii'],
    ['decomposed characters', 'e\u0301', 'e'],
    ['half-width katakana', '\uff8a\uff9f\uff9d', '\u30d1\u30f3'],
    ['mathematical letters', '\u{1D49C}', 'a'],
    ['a letter whose lower case is two', '\u0130', 'i'],
    ['a leading article', 'The Godfather', 'godfather'],
    ['another article', 'an  Education', 'education'],
    ['the shortest article', 'A Quiet Place', 'quiet place'],
  ])('sets %s aside', (_what, title, key) => {
    expect(textOf(title)).toBe(key);
  });

  it.each(['the', 'a', 'an ', 'The ', 'Theatre', 'Anna'])('leaves %j alone', (title) => {
    expect(textOf(title)).toBe(title.toLowerCase());
  });

  it('leaves punctuation and white space to tell titles apart', () => {
    const keys = ['resume', 're-sume', 're sume', 'resume!', 'straße', 'strasse'].map(textOf);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('orders by code point, where UTF-16 has another order', () => {
    const titles = ['a', 'é', '映', '\ud7ff', '\ue000', '\ufffd', '\u{10428}', '\u{1F3AC}', '\u{10ffff}'];
    const shuffled = [...titles].reverse();
    expect(shuffled.toSorted((a, b) => Buffer.compare(sortKey(a), sortKey(b)))).toEqual(titles);
    expect(shuffled.toSorted()).not.toEqual(titles);
  });

  const title = fc.string({ unit: 'binary', minLength: 1, maxLength: 255 });

  it('orders any two titles by the code points of their folded forms', () => {
    const pointsOf = (text: string) => [...sortKey(text).toString()].map((each) => each.codePointAt(0)!);
    const compare = (a: number[], b: number[]) => {
      const index = a.findIndex((point, at) => point !== b[at]);
      return index === -1 ? a.length - b.length : a[index]! - (b[index] ?? -1);
    };
    fc.assert(
      fc.property(title, title, (a, b) => {
        expect(Math.sign(Buffer.compare(sortKey(a), sortKey(b)))).toBe(
          Math.sign(compare(pointsOf(a), pointsOf(b))),
        );
      }),
    );
  });

  describe('of a title that folds into very much', () => {
    it.each([
      ['one character that becomes eighteen', '\ufdfa'.repeat(255)],
      ['astral characters behind it', '\ufdfa'.repeat(20) + '\u{1F3AC}'.repeat(235)],
      ['an odd number of units before them', 'x' + '\ufdfa'.repeat(19) + '\u{1F3AC}'.repeat(235)],
    ])('fits into an index and ends with a whole character: %s', (_what, long) => {
      const key = sortKey(long);
      expect(key.length).toBeLessThanOrEqual(2600);
      expect(textOf(long)).not.toContain('\ufffd');
      expect([...textOf(long)]).toHaveLength(512);
      expect(folded(long).startsWith(textOf(long))).toBe(true);
    });

    it('is all of it as long as that is at most 512 characters', () => {
      expect([...textOf('\u{1F3AC}'.repeat(255))]).toHaveLength(255);
      expect([...textOf('\u0130'.repeat(255))]).toHaveLength(255);
    });
  });
});
