import { ApiPropertyOptional } from '@nestjs/swagger';
import { ValidationFailedError } from '../../common/errors/common.errors.js';
import { PageQuery } from '../../common/pagination/page.query.js';
import { IsOmittable, IsOneOf, QueryInteger, tagKey } from '../../common/validation/fields.js';
import { QueryDecimal, QueryFlag, QueryList, QueryText } from '../../common/validation/query-fields.js';
import { ITEM_STATUSES, ITEM_TYPES, type ItemStatus, type ItemType, PROVIDERS } from './item-fields.js';
import { FILTERABLE_FIELDS, filterDigest, type ItemFilter, type ItemQuery } from './item-query.js';
import { ITEM_SORTS, type ItemSort, readCursor } from './item-sort.js';
import { searchWords } from './item-text.js';

const YEARS = { minimum: 1870, maximum: 2200 };
const RATINGS = { minimum: 0.1, maximum: 10 };
const FIELD_PATHS = [...FILTERABLE_FIELDS, ...PROVIDERS.map((provider) => `ids.${provider}`)];

/** The filters that lists of items share. */
export class ItemFilterQuery {
  @ApiPropertyOptional({ type: String, enum: ITEM_TYPES, description: 'Only items of this type.' })
  @IsOmittable()
  @IsOneOf(ITEM_TYPES)
  readonly type?: ItemType;

  @QueryList({
    maximum: ITEM_STATUSES.length,
    words: ITEM_STATUSES,
    description: 'Only items of these statuses, separated by commas.',
  })
  readonly status?: readonly ItemStatus[];

  @QueryList({
    maximum: 20,
    maxLength: 40,
    description: 'Only items that have all of these tags, separated by commas.',
  })
  readonly tag?: readonly string[];

  @QueryText({
    maxLength: 100,
    description:
      'Only items whose title, notes or tags contain each of these words, without regard to case, accents and width.',
  })
  readonly q?: string;

  @QueryInteger({ ...YEARS, description: 'Only items of this year or later.' })
  readonly year_from?: number;

  @QueryInteger({ ...YEARS, description: 'Only items of this year or earlier.' })
  readonly year_to?: number;

  @QueryDecimal({ ...RATINGS, description: 'Only items with at least this rating.' })
  readonly rating_from?: number;

  @QueryDecimal({ ...RATINGS, description: 'Only items with at most this rating.' })
  readonly rating_to?: number;

  @QueryList({
    maximum: 20,
    words: FIELD_PATHS,
    description:
      'Only items that have something in all of these fields, separated by commas. `ids.imdb` is one id.',
  })
  readonly has?: readonly string[];

  @QueryList({
    maximum: 20,
    words: FIELD_PATHS,
    description: 'Only items that have nothing in any of these fields, separated by commas.',
  })
  readonly lacks?: readonly string[];

  @QueryList({
    maximum: 100,
    maxLength: 120,
    pattern: new RegExp(`^(?:${PROVIDERS.join('|')}):[!-~]+$`),
    form: 'a service and an id, such as imdb:tt6751668',
    description:
      'Only items that have one of these ids, separated by commas, such as `imdb:tt6751668,tmdb:496243`.',
  })
  readonly ids?: readonly string[];

  @QueryFlag('The items in the trash instead of those on the list.')
  readonly deleted?: boolean;
}

export class ListQuery extends ItemFilterQuery implements PageQuery {
  @QueryInteger({ minimum: 0, default: 0, description: 'The number of items to skip.' })
  readonly skip: number = 0;

  @QueryInteger({
    minimum: 1,
    maximum: 100,
    default: 10,
    description: 'The maximum number of items to return.',
  })
  readonly limit: number = 10;

  @ApiPropertyOptional({
    type: String,
    enum: ITEM_SORTS,
    default: 'created_at_desc',
    description: 'Items without a value come last. Ties are broken by id.',
  })
  @IsOmittable()
  @IsOneOf(ITEM_SORTS)
  readonly sort: ItemSort = 'created_at_desc';

  @QueryText({
    maxLength: 4096,
    pattern: '^[A-Za-z0-9_-]+$',
    description:
      'The `next_cursor` of the page before, with the same filter and sort. Unlike `skip`, it neither repeats nor misses items when others are added meanwhile.',
  })
  readonly cursor?: string;
}

export function filterOf(query: ItemFilterQuery): ItemFilter {
  const ids = query.ids?.map((text) => {
    const colon = text.indexOf(':');
    return { provider: text.slice(0, colon), value: text.slice(colon + 1) };
  });
  return {
    type: query.type,
    statuses: query.status,
    tagKeys: query.tag?.map(tagKey),
    words: query.q === undefined ? undefined : searchWords(query.q),
    yearFrom: query.year_from,
    yearTo: query.year_to,
    ratingFrom: query.rating_from,
    ratingTo: query.rating_to,
    has: query.has,
    lacks: query.lacks,
    ids,
    isDeleted: query.deleted === true,
  };
}

/** @throws ValidationFailedError for a cursor of another list */
export function itemQueryOf(query: ListQuery, ownerId: number | undefined): ItemQuery {
  const { sort, skip, limit, cursor } = query;
  const listed = { filter: filterOf(query), ownerId, sort };
  if (cursor === undefined) return { ...listed, skip, limit };
  if (skip > 0)
    throw new ValidationFailedError([{ field: 'skip', message: 'must not be given together with cursor' }]);
  const position = readCursor(sort, filterDigest(listed), cursor);
  if (position === undefined) {
    const message = 'belongs to another filter or sort; leave it out to start with the first page';
    throw new ValidationFailedError([{ field: 'cursor', message }]);
  }
  return { ...listed, skip, limit, after: position };
}
