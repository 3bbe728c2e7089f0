import type { Type } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Type as Nested } from 'class-transformer';
import { ValidateIf, ValidateNested } from 'class-validator';
import {
  IsDay,
  IsHttpsUrl,
  IsInstantOrDay,
  IsLines,
  IsMatching,
  IsObject,
  IsOmittable,
  IsOneOf,
  IsTags,
  IsTenths,
  IsTitle,
  IsWholeNumber,
  MAXIMUM_ID,
} from './fields.js';
import { AtLeastOneOf } from './request-validation.pipe.js';

/** One field of a request body: its place in the OpenAPI document, its normalisation and its rules. */
export interface BodyField<Value> {
  readonly api: ApiPropertyOptions;
  readonly rules: readonly PropertyDecorator[];
  /** What a record has after this value is given. Left out: the value itself. */
  merge?(before: Value, given: Value): Value;
}

/** A field that can be unset: by `null`, or by leaving it out of a new record. */
export interface ClearableField<Value> extends BodyField<Value> {
  /** The value of a record that has nothing in this field. */
  readonly unset: Value;
}

// `any`, because a field of one type is also a field among others of any type.
// eslint-disable-next-line typescript/no-explicit-any
export type BodyFields = Readonly<Record<string, BodyField<any> | ClearableField<any>>>;

/** The values of all fields, as a record has them. */
export type ValuesOf<Fields extends BodyFields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends BodyField<infer Value> ? Value : never;
};
type ClearableNames<Fields extends BodyFields> = {
  [Name in keyof Fields]: Fields[Name] extends { readonly unset: unknown } ? Name : never;
}[keyof Fields];
type Clearable<Fields extends BodyFields> = {
  readonly [Name in ClearableNames<Fields>]?: ValuesOf<Fields>[Name] | null;
};
/** The body that creates a record: only the fields that can be unset can be left out. */
export type NewValuesOf<Fields extends BodyFields> = Omit<ValuesOf<Fields>, ClearableNames<Fields>> &
  Clearable<Fields>;
/** The body that changes a record. */
export type PatchOf<Fields extends BodyFields> = Partial<Omit<ValuesOf<Fields>, ClearableNames<Fields>>> &
  Clearable<Fields>;

interface TextOptions {
  readonly maxLength: number;
  readonly example: string;
}

export const textField = ({ maxLength, example }: TextOptions): BodyField<string> => ({
  api: {
    type: String,
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
    description: 'Trimmed and normalized (NFC); at least one visible character, no control characters.',
    example,
  },
  rules: [IsTitle(maxLength)],
});

/** Text of several lines. */
export const linesField = ({ maxLength, example }: TextOptions): BodyField<string> => ({
  api: {
    type: String,
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000-\\u0008\\u000B-\\u001F\\u007F-\\u009F]*$',
    description: 'Trimmed and normalized (NFC). Line breaks and tabs are the only control characters.',
    example,
  },
  rules: [IsLines(maxLength)],
});

export const wordField = <Word extends string>(words: readonly Word[], example: Word): BodyField<Word> => ({
  api: { type: String, enum: [...words], example },
  rules: [IsOneOf(words)],
});

interface PatternOptions extends TextOptions {
  readonly pattern: RegExp;
  /** Completes "must be". */
  readonly description: string;
}

/** Text of ASCII characters that has a known form. */
export const patternField = ({
  pattern,
  maxLength,
  description,
  example,
}: PatternOptions): BodyField<string> => ({
  // A word, not the constructor, because an objectField shows this as it is.
  api: { type: 'string', pattern: pattern.source, maxLength, example },
  rules: [IsMatching(pattern, maxLength, description)],
});

interface NumberOptions {
  readonly minimum: number;
  readonly maximum: number;
  readonly example: number;
}

export const integerField = ({ minimum, maximum, example }: NumberOptions): BodyField<number> => ({
  api: { type: 'integer', format: 'int32', minimum, maximum, example },
  rules: [IsWholeNumber(minimum, maximum)],
});

export const idField = () => integerField({ minimum: 1, maximum: MAXIMUM_ID, example: 1 });

/** A number with at most one decimal. */
export const tenthsField = ({ minimum, maximum, example }: NumberOptions): BodyField<number> => ({
  // Not `multipleOf: 0.1`: 5.6 is no multiple of it in binary numbers.
  api: { type: Number, minimum, maximum, description: 'At most one decimal.', example },
  rules: [IsTenths(minimum, maximum)],
});

/** A day as text: `2019-05-30`. */
export const dayField = ({ example }: { readonly example: string }): BodyField<string> => ({
  api: { type: String, format: 'date', minLength: 10, maxLength: 10, example },
  rules: [IsDay()],
});

export const instantField = ({ example }: { readonly example: string }): BodyField<Date> => ({
  api: {
    type: String,
    format: 'date-time',
    minLength: 10,
    maxLength: 35,
    description: 'A date without a time means noon UTC.',
    example,
  },
  rules: [IsInstantOrDay()],
});

export const httpsUrlField = ({ maxLength, example }: TextOptions): BodyField<string> => ({
  api: { type: String, format: 'uri', maxLength, pattern: '^https://', example },
  rules: [IsHttpsUrl(maxLength)],
});

interface TagsOptions {
  readonly maximum: number;
  readonly maxLength: number;
  readonly example: readonly string[];
}

export const tagsField = ({ maximum, maxLength, example }: TagsOptions): BodyField<readonly string[]> => ({
  api: {
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength, pattern: '^[^,\\u0000-\\u001F\\u007F-\\u009F]*$' },
    maxItems: maximum,
    description:
      'Tags that differ only in case are one tag; the first spelling stays. A change replaces all.',
    example: [...example],
  },
  rules: [IsTags({ maximum, maxLength })],
});

interface ObjectOptions {
  readonly description: string;
  readonly example: object;
  /** A change keeps the members that it leaves out. */
  readonly isMerged?: boolean;
}

/** An object of fields, in which those that can be unset are left out rather than null. */
export function objectField<Fields extends BodyFields>(
  fields: Fields,
  { description, example, isMerged = false }: ObjectOptions,
): BodyField<NewValuesOf<Fields>> {
  const names = Object.keys(fields);
  const required = names.filter((name) => !isClearable(fields[name]!));
  const Body = bodyOf(fields);
  return {
    api: {
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, fields[name]!.api])),
      ...(required.length > 0 && { required }),
      additionalProperties: false,
      description,
      example,
    } as unknown as ApiPropertyOptions,
    rules: [IsObject(), ValidateNested(), Nested(() => Body)],
    merge(before, given) {
      const all = { ...(isMerged && before), ...given };
      const members = Object.entries(all).filter(([, value]) => value !== undefined && value !== null);
      return Object.fromEntries(members) as NewValuesOf<Fields>;
    },
  };
}

export const clearable = <Value, Unset extends Value | null = null>(
  field: BodyField<Value>,
  unset: Unset = null as Unset,
): ClearableField<Value | Unset> => ({ ...(field as BodyField<Value | Unset>), unset });

const isClearable = (field: BodyField<unknown>): field is ClearableField<unknown> => 'unset' in field;

/** Does not check a field that is left out or null. */
const IsClearable = () => ValidateIf((_object, value) => value !== undefined && value !== null);

function declare(body: Type, fields: BodyFields, isOptional: (field: BodyField<unknown>) => boolean): void {
  for (const [name, field] of Object.entries(fields)) {
    const optional = isOptional(field);
    const presence = isClearable(field) ? [IsClearable()] : optional ? [IsOmittable()] : [];
    const decorators = [
      ApiProperty({ ...field.api, required: !optional, nullable: isClearable(field) } as ApiPropertyOptions),
      ...presence,
      ...field.rules,
    ];
    // From the last to the first, as decorators above a property are applied.
    for (const decorate of decorators.toReversed()) decorate(body.prototype as object, name);
  }
}

/**
 * The class of a body that creates a record with these fields. Nest's mapped types are no alternative: they load
 * class-validator from node_modules at run time, and the bundled server has none.
 */
export function bodyOf<Fields extends BodyFields>(fields: Fields): Type<NewValuesOf<Fields>> {
  // eslint-disable-next-line typescript/no-extraneous-class -- its fields are declared below
  const Body = class {};
  declare(Body, fields, isClearable);
  return Body as Type<NewValuesOf<Fields>>;
}

/** The class of a body that changes some of these fields, and at least one. */
export function patchOf<Fields extends BodyFields>(fields: Fields): Type<PatchOf<Fields>> {
  // eslint-disable-next-line typescript/no-extraneous-class -- its fields are declared below
  const Patch = class {};
  AtLeastOneOf(...Object.keys(fields))(Patch);
  declare(Patch, fields, () => true);
  return Patch as Type<PatchOf<Fields>>;
}

/** The class of an answer that shows these fields. A field that is null when unset is null there, too. */
export function answerOf<Fields extends BodyFields>(fields: Fields): Type<ValuesOf<Fields>> {
  // eslint-disable-next-line typescript/no-extraneous-class -- its fields are declared below
  const Answer = class {};
  for (const [name, field] of Object.entries(fields)) {
    const nullable = isClearable(field) && field.unset === null;
    ApiProperty({ ...field.api, nullable } as ApiPropertyOptions)(Answer.prototype, name);
  }
  return Answer as Type<ValuesOf<Fields>>;
}

/** The values of a record in which nothing is set. */
export function unsetValues(fields: BodyFields): Readonly<Record<string, unknown>> {
  const values = Object.entries(fields).map(([name, field]) => [
    name,
    isClearable(field) ? field.unset : null,
  ]);
  return Object.fromEntries(values) as Record<string, unknown>;
}

/** All fields of a new record. */
export function newValues<Fields extends BodyFields>(
  fields: Fields,
  body: NewValuesOf<Fields>,
): ValuesOf<Fields> {
  return patched(fields, unsetValues(fields) as ValuesOf<Fields>, body as PatchOf<Fields>);
}

/** All fields after a merge patch (RFC 7396): a field that the patch leaves out stays as it is, `null` unsets it. */
export function patched<Fields extends BodyFields>(
  fields: Fields,
  before: ValuesOf<Fields>,
  patch: PatchOf<Fields>,
): ValuesOf<Fields> {
  const given = patch as Readonly<Record<string, unknown>>;
  const values = Object.entries(fields).map(([name, field]) => {
    const value = given[name];
    if (value === undefined) return [name, before[name]];
    if (value === null) return [name, (field as ClearableField<unknown>).unset];
    return [name, field.merge ? (field.merge(before[name], value) as unknown) : value];
  });
  return Object.fromEntries(values) as ValuesOf<Fields>;
}
