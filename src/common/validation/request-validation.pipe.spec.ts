import type { ArgumentMetadata } from '@nestjs/common';
import { Transform, Type } from 'class-transformer';
import { ValidateNested } from 'class-validator';
import { ValidationFailedError } from '../errors/common.errors.js';
import { HasLength, IsOmittable } from './fields.js';
import { AtLeastOneOf, RequestValidationPipe } from './request-validation.pipe.js';

@AtLeastOneOf('title', 'note')
class Change {
  @IsOmittable()
  @HasLength(1, 5)
  readonly title?: string;

  @IsOmittable()
  @HasLength(1, 5)
  readonly note?: string;
}

class Explosive {
  @Transform(() => {
    throw new RangeError('a mistake of ours');
  })
  readonly title?: string;
}

class Operation {
  @HasLength(1, 5)
  readonly title!: string;
}

class Batch {
  @ValidateNested()
  @Type(() => Operation)
  readonly operations!: Operation[];

  @HasLength(1, 5)
  readonly tags!: unknown;
}

const BODY: ArgumentMetadata = { type: 'body', metatype: Change };

describe(RequestValidationPipe.name, () => {
  const pipe = new RequestValidationPipe();

  /** Field by field, what is said against the value. */
  async function refusal(value: unknown, metadata = BODY): Promise<string[]> {
    try {
      await pipe.transform(value, metadata);
      return [];
    } catch (error) {
      if (!(error instanceof ValidationFailedError)) throw error;
      return error.details.errors!.map(({ field, message }) => `${field} ${message}`);
    }
  }

  it('makes the class of what is acceptable', async () => {
    const change = await pipe.transform({ title: 'Alien' }, BODY);
    expect(change).toBeInstanceOf(Change);
    expect(change).toEqual({ title: 'Alien' });
  });

  it.each([undefined, null, {}])('takes %p for a body with nothing in it', async (value) => {
    expect(await refusal(value)).toEqual(['body must have at least one of title, note']);
  });

  it.each<[string, object, string[]]>([
    ['an unknown field', { title: 'Alien', year: 1979 }, ['year is not a known field']],
    ['null', { title: null }, ['title must be text of 1 to 5 characters']],
    [
      'several things at once',
      { title: '', note: 'too long', year: 1979 },
      [
        'note must be text of 1 to 5 characters',
        'title must be text of 1 to 5 characters',
        'year is not a known field',
      ],
    ],
    ['a NUL', { title: 'A\0' }, ['title must not contain NUL']],
    [
      'a surrogate alone',
      { title: 'A\ud800' },
      ['title must be well-formed Unicode (a surrogate stands alone)'],
    ],
    ['two faults of one field, named once', { title: 'Alien\0\0' }, ['title must not contain NUL']],
    ['a NUL in an unknown field, named once', { title: 'A', year: '\0' }, ['year must not contain NUL']],
  ])('names %s', async (_what, value, said) => {
    expect((await refusal(value)).sort()).toEqual(said);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '__proto__', '__defineGetter__', 'valueOf'])(
    'knows no field %s, though every object has one',
    async (field) => {
      for (const type of ['body', 'query'] as const) {
        const value = Object.fromEntries(Object.entries({ title: 'Alien' }).concat([[field, '1']]));
        expect(await refusal(value, { ...BODY, type })).toEqual([`${field} is not a known field`]);
      }
    },
  );

  it('names a field of an object in a list by its path', async () => {
    const value = { operations: [{ title: 'ok' }, { title: 'too long', extra: 1 }], tags: ['fine', 'a\0'] };
    expect((await refusal(value, { type: 'body', metatype: Batch })).sort()).toEqual([
      'operations[1].extra is not a known field',
      'operations[1].title must be text of 1 to 5 characters',
      'tags must be text of 1 to 5 characters',
      'tags[1] must not contain NUL',
    ]);
  });

  it('looks for names that every object has at any depth', async () => {
    const operations = [
      Object.fromEntries([
        ['title', 'ok'],
        ['constructor', 1],
      ]),
    ];
    expect(await refusal({ operations, tags: 'x' }, { type: 'body', metatype: Batch })).toEqual([
      'operations[0].constructor is not a known field',
    ]);
  });

  it.each([
    [
      'an object of more than 100 fields',
      Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`k${n}`, n])),
      'body must not have more than 100 fields',
    ],
    [
      'a list of more than 1000 elements',
      { tags: Array.from({ length: 1001 }, () => 1) },
      'tags must not have more than 1000 elements',
    ],
  ])('refuses %s without validating it', async (_what, value, said) => {
    expect(await refusal(value, { type: 'body', metatype: Batch })).toEqual([said]);
  });

  it.each<[string, ArgumentMetadata]>([
    ['a parameter of the path', { type: 'param', metatype: Number, data: 'id' }],
    ['what a decorator of ours provides', { type: 'custom', metatype: Object }],
    ['a body without a class', { type: 'body' }],
  ])('leaves %s as it is', async (_what, metadata) => {
    const value = { anything: '1e3\0' };
    expect(await pipe.transform(value, metadata)).toBe(value);
  });

  it('does not call our own mistakes the caller’s', async () => {
    await expect(pipe.transform({ title: 'Alien' }, { type: 'body', metatype: Explosive })).rejects.toThrow(
      RangeError,
    );
  });
});
