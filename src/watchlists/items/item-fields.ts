import {
  clearable,
  dayField,
  httpsUrlField,
  instantField,
  integerField,
  linesField,
  type NewValuesOf,
  objectField,
  patternField,
  type PatchOf,
  tagsField,
  tenthsField,
  textField,
  type ValuesOf,
  wordField,
} from '../../common/validation/body-fields.js';
import { MAXIMUM_ID } from '../../common/validation/fields.js';

export const ITEM_TYPES = ['movie', 'show'] as const;
export type ItemType = (typeof ITEM_TYPES)[number];

export const ITEM_STATUSES = ['planned', 'watching', 'watched', 'on_hold', 'dropped'] as const;
export type ItemStatus = (typeof ITEM_STATUSES)[number];

const providerNumber = (example: number) =>
  clearable(integerField({ minimum: 1, maximum: MAXIMUM_ID, example }));

/** What other services call the same movie or show. Such an id is unique among the movies or shows of one list. */
const EXTERNAL_IDS = {
  imdb: clearable(
    patternField({
      pattern: /^tt\d{7,9}$/,
      maxLength: 11,
      description: 'an IMDb id such as tt6751668',
      example: 'tt6751668',
    }),
  ),
  tmdb: providerNumber(496243),
  tvdb: providerNumber(121361),
  tvmaze: providerNumber(82),
  trakt: providerNumber(1390),
  simkl: providerNumber(17465),
  mal: providerNumber(5114),
  anilist: providerNumber(5114),
  wikidata: clearable(
    patternField({
      pattern: /^Q[1-9]\d{0,11}$/,
      maxLength: 13,
      description: 'a Wikidata id such as Q61448040',
      example: 'Q61448040',
    }),
  ),
  letterboxd: clearable(
    patternField({
      pattern: /^[!-~]{1,100}$/,
      maxLength: 100,
      description: 'an address or a name of a film at Letterboxd, of at most 100 characters',
      example: 'parasite-2019',
    }),
  ),
};
export const PROVIDERS = Object.keys(EXTERNAL_IDS) as readonly (keyof typeof EXTERNAL_IDS)[];

const place = (example: number) => integerField({ minimum: 1, maximum: 999, example });

/**
 * The fields of an item that its owner can edit. Bodies (also the admin's), answers, merging and audit changes come
 * from this list. A new field is added here, to the entity under the same name, and in a migration.
 */
export const ITEM_FIELDS = {
  title: textField({ maxLength: 255, example: 'Parasite' }),
  type: wordField(ITEM_TYPES, 'movie'),
  year: clearable(integerField({ minimum: 1870, maximum: 2200, example: 2019 })),
  status: clearable(wordField(ITEM_STATUSES, 'planned'), 'planned'),
  rating: clearable(tenthsField({ minimum: 0.1, maximum: 10, example: 8.5 })),
  notes: clearable(linesField({ maxLength: 5000, example: 'With Ana' })),
  tags: clearable(tagsField({ maximum: 20, maxLength: 40, example: ['korean', 'cinema'] }), []),
  ids: clearable(
    objectField(EXTERNAL_IDS, {
      description:
        'Ids at other services. Unknown ones are left out. A change keeps the members that it leaves out and removes those that are null.',
      example: { imdb: 'tt6751668', tmdb: 496243 },
      isMerged: true,
    }),
    {},
  ),
  poster_url: clearable(httpsUrlField({ maxLength: 2000, example: 'https://example.com/parasite.jpg' })),
  runtime_minutes: clearable(integerField({ minimum: 1, maximum: 5000, example: 132 })),
  release_date: clearable(dayField({ example: '2019-05-30' })),
  progress: clearable(
    objectField(
      { season: place(2), episode: clearable(place(4)) },
      {
        description: 'How far you have watched a show. A movie has none. A change replaces both numbers.',
        example: { season: 2, episode: 4 },
      },
    ),
  ),
  watched_at: clearable(instantField({ example: '2026-11-23T20:15:00.000Z' })),
};

export type ItemFields = ValuesOf<typeof ITEM_FIELDS>;
export type NewItem = NewValuesOf<typeof ITEM_FIELDS>;
export type ItemPatch = PatchOf<typeof ITEM_FIELDS>;

/** The largest body of an item: notes in which each character is escaped, and every other field in full. */
export const MAXIMUM_ITEM_BYTES = 81_920;
