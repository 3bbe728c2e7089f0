import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import {
  HasLength,
  IsOmittable,
  IsOneOf,
  IsTitle,
  IsWholeNumber,
  NormalizedText,
  QueryInteger,
} from './fields.js';

class Fields {
  @IsOmittable()
  @IsWholeNumber(1, 2_147_483_647)
  id?: unknown;

  @QueryInteger({ description: 'Any.' })
  number?: unknown;

  @QueryInteger({ minimum: 2, maximum: 12, description: 'A few.' })
  month?: unknown;

  @IsOmittable()
  @NormalizedText(4)
  @HasLength(2, 4)
  text?: unknown;

  @IsOmittable()
  @IsTitle(20)
  title?: unknown;

  @IsOmittable()
  @IsOneOf(['red', 'green'])
  word?: unknown;
}

/** The field's value after validation, or the error message. */
function resultOf(field: keyof Fields, value: unknown): unknown {
  const instance = plainToInstance(Fields, { [field]: value });
  const [error] = validateSync(instance);
  return error ? Object.values(error.constraints!)[0] : instance[field];
}

describe(IsWholeNumber.name, () => {
  it.each([1, 42, 2_147_483_647])('takes %p', (value) => {
    expect(resultOf('id', value)).toBe(value);
  });

  it.each([0, -1, 1.5, 2_147_483_648, NaN, Infinity, '1', true, null, [1], {}])('refuses %p', (value) => {
    expect(resultOf('id', value)).toBe('must be a whole number from 1 to 2147483647');
  });
});

describe(QueryInteger.name, () => {
  it.each(['0', '7', '2147483647'])('reads %p', (text) => {
    expect(resultOf('number', text)).toBe(Number(text));
  });

  it.each(['2', '12'])('takes %p, a bound of its own', (text) => {
    expect(resultOf('month', text)).toBe(Number(text));
  });

  it.each(['1', '13', '02', ['2', '2'], {}, null])('refuses %p, and names the bounds', (value) => {
    expect(resultOf('month', value)).toBe('must be a whole number from 2 to 12, given once');
  });

  it('reads every number in its one spelling, and nothing else', () => {
    const isOne = (text: string) => /^(0|[1-9][0-9]*)$/.test(text) && BigInt(text) <= 2_147_483_647n;
    const nearly = fc.string({ unit: fc.constantFrom(...'0123456789+-. ex_'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(nearly, fc.nat().map(String)), (text) => {
        expect(typeof resultOf('number', text) === 'number').toBe(isOne(text));
      }),
    );
  });
});

describe('text', () => {
  it('is counted in code points, after trimming and NFC', () => {
    const text = fc.string({ unit: 'binary', maxLength: 8 }).filter((given) => !/\p{Cc}/u.test(given));
    fc.assert(
      fc.property(text, (given) => {
        const normalized = given.trim().normalize('NFC');
        const { length } = [...normalized];
        expect(resultOf('text', given)).toBe(
          length >= 2 && length <= 4 ? normalized : 'must be text of 2 to 4 characters',
        );
      }),
    );
  });

  it.each([null, 12, true, ['ab'], { length: 3 }])('is not %p', (value) => {
    expect(resultOf('text', value)).toBe('must be text of 2 to 4 characters');
  });

  it('is measured before it is normalized', () => {
    const normalize = jest.spyOn(String.prototype, 'normalize');
    expect(resultOf('text', `a${'\u0315\u0300'.repeat(262_000)}`)).toBe('must be text of 2 to 4 characters');
    expect(normalize).not.toHaveBeenCalled();
    expect(resultOf('text', `${' '.repeat(30)}abc`)).toBe('abc');
    expect(normalize).toHaveBeenCalledTimes(1);
    normalize.mockRestore();
  });
});

describe(IsTitle.name, () => {
  it('has no control characters', () => {
    expect(resultOf('title', 'a\u0085b')).toBe('must not contain control characters');
  });

  it.each([
    'Up',
    '9',
    '…',
    '♥',
    '👨‍👩‍👧',
    '🏴󠁧󠁢󠁳󠁣󠁴󠁿',
    'שלום',
    '\u200fعربي',
    'न\u093fर्',
    'é',
    'x\u0315',
    'a\u200bb',
    '한',
    'ᄒ',
  ])('can be %s', (title) => {
    expect(resultOf('title', title)).toBe(title.normalize('NFC'));
  });

  it.each([
    ['a zero-width space', '\u200b'],
    ['a zero-width joiner', '\u200d'],
    ['a soft hyphen', '\u00ad'],
    ['marks of direction', '\u202e\u2066\u2069'],
    ['a variation selector', '\ufe0f'],
    ['fillers of Hangul', '\u115f\u1160\u3164\uffa0'],
    ['an empty Braille cell', '\u2800'],
    ['tags', '\u{e0020}\u{e0041}'],
    ['a grapheme joiner', '\u034f'],
    ['accents without a letter', '\u0301\u0315'],
    ['a word joiner between spaces', '\u2060 \u2060'],
    ['invisible operators', '\u2061\u2062\u2063'],
    ['a musical mark without a note', '\u{1d173}'],
  ])('cannot be %s only', (_what, title) => {
    expect(resultOf('title', title)).toBe('must have a visible character');
  });
});

describe(IsOneOf.name, () => {
  it('takes one of its words', () => {
    expect(resultOf('word', 'green')).toBe('green');
  });

  it.each(['blue', 'Red', '', 'red,green', ['red'], 0, null, 'length'])(
    'refuses %p and says which',
    (value) => {
      expect(resultOf('word', value)).toBe('must be one of: red, green');
    },
  );
});

describe(IsOmittable.name, () => {
  it('lets a field be left out', () => {
    expect(validateSync(plainToInstance(Fields, {}))).toEqual([]);
  });
});
