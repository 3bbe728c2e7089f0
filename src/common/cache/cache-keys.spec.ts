import fc from 'fast-check';
import { listETag, listKey, queryHash } from './cache-keys.js';

const DEFAULTS = { skip: '0', sort: 'newest' };

describe('cache keys', () => {
  it('differ by user, version and question, and so do the tags', () => {
    const questions: [number, string, string][] = [
      [1, 'e.1', 'a'],
      [1, 'e.1', 'b'],
      [1, 'e.11', 'a'],
      [1, 'f.1', 'a'],
      [11, 'e.1', 'a'],
    ];
    expect(new Set(questions.map((question) => listKey(...question))).size).toBe(questions.length);
    expect(new Set(questions.map((question) => listETag(...question))).size).toBe(questions.length);
  });
});

describe(queryHash.name, () => {
  it.each([
    ['the order of the parameters', { a: '1', b: '2' }, { b: '2', a: '1' }],
    ['a default that is spelled out', {}, { sort: 'newest' }],
    ['all of them spelled out', {}, { sort: 'newest', skip: '0' }],
    ['one of two spelled out', { skip: '5' }, { sort: 'newest', skip: '5' }],
  ])('does not depend on %s', (_what, one, other) => {
    expect(queryHash(one, DEFAULTS)).toBe(queryHash(other, DEFAULTS));
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['a value', { skip: '1' }, { skip: '2' }],
    ['a name', { a: '1' }, { b: '1' }],
    ['being there', { a: '' }, {}],
    ['which value belongs to which name', { a: '1', b: '2' }, { a: '2', b: '1' }],
    ['where one value ends', { a: '1","b":"2' }, { a: '1', b: '2' }],
    ['being given twice', { skip: ['0', '0'] }, { skip: '0' }],
    ['the default being given twice', { skip: ['0', '0'] }, {}],
    ['a name that every object has', Object.fromEntries([['__proto__', '1']]), {}],
  ])('depends on %s', (_what, one, other) => {
    expect(queryHash(one, DEFAULTS)).not.toBe(queryHash(other, DEFAULTS));
  });

  it('is the same for the same meaning and another for any other', () => {
    const query = fc.dictionary(
      fc.constantFrom('skip', 'sort', 'a', 'b'),
      fc.constantFrom('', '0', 'newest', '1'),
    );
    const meaning = (given: Record<string, string>) => ({ ...DEFAULTS, ...given });
    fc.assert(
      fc.property(query, query, (one, other) => {
        const isSame =
          JSON.stringify(Object.entries(meaning(one)).sort()) ===
          JSON.stringify(Object.entries(meaning(other)).sort());
        expect(queryHash(one, DEFAULTS) === queryHash(other, DEFAULTS)).toBe(isSame);
      }),
    );
  });

  it('can stand in a key and in a tag', () => {
    expect(queryHash({ a: 'ß "\u0000' }, DEFAULTS)).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });
});
