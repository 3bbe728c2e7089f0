import fc from 'fast-check';
import { cacheETag, queryDefaults, queryHash, storeKey } from './cache-keys.js';

const DEFAULTS = { skip: '0', sort: 'newest' };

class FeedQuery {
  readonly limit: number = 10;
  readonly sort: string = 'newest';
  readonly type?: string;
}

describe('cache keys', () => {
  it('differ by resource, version and query, and so do the tags', () => {
    const scopes: [string, string, string][] = [
      ['list:1', 'e.1', 'a'],
      ['list:1', 'e.1', 'b'],
      ['list:1', 'e.11', 'a'],
      ['list:1', 'f.1', 'a'],
      ['list:11', 'e.1', 'a'],
    ];
    for (const make of [storeKey, cacheETag]) {
      const made = scopes.map(([resource, version, hash]) => make({ resource, version }, hash));
      expect(new Set(made).size).toBe(scopes.length);
    }
  });
});

describe(queryDefaults.name, () => {
  it('returns what an instance of the class sets, as the query would spell it', () => {
    expect(queryDefaults(FeedQuery)).toEqual({ limit: '10', sort: 'newest' });
  });

  it('keeps two meanings apart when a default changes: no limit is not the old default any more', () => {
    class ChangedQuery extends FeedQuery {
      override readonly limit = 20;
    }
    const before = queryDefaults(FeedQuery);
    const after = queryDefaults(ChangedQuery);
    expect(queryHash({}, before)).toBe(queryHash({ limit: '10' }, before));
    expect(queryHash({}, after)).toBe(queryHash({ limit: '20' }, after));
    expect(queryHash({}, after)).not.toBe(queryHash({ limit: '10' }, after));
    // Also while servers of both versions share a store.
    expect(queryHash({}, after)).not.toBe(queryHash({}, before));
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
