import type { UnitOfWork } from '../../database/unit-of-work.js';
import { newValues } from '../../common/validation/body-fields.js';
import { ITEM_FIELDS } from './item-fields.js';
import { ItemResponse } from './item-response.js';
import { ITEM_SHAPE, ItemTags } from './item-tags.js';
import type { StoredItem } from './item.entity.js';

const ITEM: StoredItem = {
  id: 7,
  userId: 1,
  ...newValues(ITEM_FIELDS, { title: 'Parasite', type: 'movie' }),
  createdAt: new Date(0),
  updatedAt: new Date(0),
  version: 41,
  deletedAt: null,
  purgeAt: null,
  position: '',
};
const OWNER = { email: 'ada@example.com' };

describe(ItemTags.name, () => {
  const tags = new ItemTags({ epoch: '5f0c1d2e9a3b' } as UnitOfWork);

  it('names database, item, version and shape', () => {
    expect(tags.of(ITEM)).toBe(`"5f0c1d2e.7.41.${ITEM_SHAPE}"`);
  });

  it('has another shape for each set of fields that an answer shows', () => {
    expect({ [ITEM_SHAPE]: Object.keys(ItemResponse.from(ITEM)) }).toEqual({
      k4: [
        'id',
        'title',
        'type',
        'year',
        'status',
        'rating',
        'notes',
        'tags',
        'ids',
        'poster_url',
        'runtime_minutes',
        'release_date',
        'progress',
        'watched_at',
        'created_at',
        'updated_at',
        'version',
      ],
    });
  });

  it("differs for an answer with the owner, and changes with the owner's address", () => {
    const shown = [
      tags.of(ITEM),
      tags.withOwner(ITEM, OWNER),
      tags.withOwner(ITEM, { email: 'b@example.com' }),
    ];
    expect(new Set(shown).size).toBe(3);
  });

  it.each<[string, string | undefined]>([
    ['no header', undefined],
    ['an asterisk', '*'],
    ['the tag', tags.of(ITEM)],
    ["the tag of the admin's answer", tags.withOwner(ITEM, OWNER)],
    ['the tag of an earlier shape', '"5f0c1d2e.7.41.k0"'],
    ['the tag with the suffix of a proxy that compresses', `"5f0c1d2e.7.41.${ITEM_SHAPE}-gzip"`],
  ])('accepts %s as If-Match', (_what, ifMatch) => {
    expect(() => tags.assertIfMatch(ifMatch, ITEM)).not.toThrow();
  });

  it.each([
    ['nothing', ''],
    ['the weak tag', `W/${tags.of(ITEM)}`],
    ['an earlier version', tags.of({ ...ITEM, version: 40 })],
    ['a version that begins alike', tags.of({ ...ITEM, version: 410 })],
    ['another item', tags.of({ ...ITEM, id: 8 })],
    ['another database', new ItemTags({ epoch: '5f0c1d2f9a3b' } as UnitOfWork).of(ITEM)],
  ])('refuses %s as If-Match', (_what, ifMatch) => {
    expect(() => tags.assertIfMatch(ifMatch, ITEM)).toThrow('It has changed');
  });
});
