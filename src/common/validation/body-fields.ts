import type { Type } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { ValidateIf } from 'class-validator';
import { IsId, IsOmittable, IsOneOf, IsTitle, MAXIMUM_ID } from './fields.js';
import { AtLeastOneOf } from './request-validation.pipe.js';

/** One field of a request body: its place in the OpenAPI document, its normalisation and its rules. */
export interface BodyField<Value> {
  readonly api: ApiPropertyOptions;
  readonly rules: readonly PropertyDecorator[];
  /** `null` unsets the field, and a new record does not need it. */
  readonly isClearable: boolean;
  /** For the compiler only: the type of the value. */
  readonly value?: Value;
}
export type BodyFields = Readonly<Record<string, BodyField<unknown>>>;

/** The values of all fields, as a record has them. */
export type ValuesOf<Fields extends BodyFields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends BodyField<infer Value> ? Value : never;
};
type ClearableNames<Fields extends BodyFields> = {
  [Name in keyof Fields]: null extends ValuesOf<Fields>[Name] ? Name : never;
}[keyof Fields];
/** The body that creates a record: only the fields that can be unset can be left out. */
export type NewValuesOf<Fields extends BodyFields> = Omit<ValuesOf<Fields>, ClearableNames<Fields>> &
  Partial<Pick<ValuesOf<Fields>, ClearableNames<Fields>>>;

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
  isClearable: false,
});

export const wordField = <Word extends string>(words: readonly Word[], example: Word): BodyField<Word> => ({
  api: { type: String, enum: [...words], example },
  rules: [IsOneOf(words)],
  isClearable: false,
});

export const idField = (): BodyField<number> => ({
  api: { type: 'integer', format: 'int32', minimum: 1, maximum: MAXIMUM_ID, example: 1 },
  rules: [IsId()],
  isClearable: false,
});

/** A field that can be unset: by `null`, or by leaving it out of a new record. */
export const clearable = <Value>(field: BodyField<Value>): BodyField<Value | null> => ({
  ...field,
  api: { ...field.api, nullable: true } as ApiPropertyOptions,
  isClearable: true,
});

const IsClearable = () => ValidateIf((_object, value) => value !== undefined && value !== null);

function declare(body: Type, fields: BodyFields, isOptional: (field: BodyField<unknown>) => boolean): void {
  for (const [name, field] of Object.entries(fields)) {
    const optional = isOptional(field);
    const presence = field.isClearable ? [IsClearable()] : optional ? [IsOmittable()] : [];
    const decorators = [
      ApiProperty({ ...field.api, required: !optional } as ApiPropertyOptions),
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
  declare(Body, fields, ({ isClearable }) => isClearable);
  return Body as Type<NewValuesOf<Fields>>;
}

/** The class of a body that changes some of these fields, and at least one. */
export function patchOf<Fields extends BodyFields>(fields: Fields): Type<Partial<ValuesOf<Fields>>> {
  // eslint-disable-next-line typescript/no-extraneous-class -- its fields are declared below
  const Patch = class {};
  AtLeastOneOf(...Object.keys(fields))(Patch);
  declare(Patch, fields, () => true);
  return Patch as Type<Partial<ValuesOf<Fields>>>;
}

/** All fields of a new record. A field that the body leaves out is null. */
export function newValues<Fields extends BodyFields>(
  fields: Fields,
  body: NewValuesOf<Fields>,
): ValuesOf<Fields> {
  const given = body as Partial<ValuesOf<Fields>>;
  const values = Object.keys(fields).map((name) => [name, given[name] ?? null]);
  return Object.fromEntries(values) as ValuesOf<Fields>;
}

/** All fields after a merge patch (RFC 7396): a field that the patch leaves out stays as it is. */
export function patched<Fields extends BodyFields>(
  fields: Fields,
  before: ValuesOf<Fields>,
  patch: Partial<ValuesOf<Fields>>,
): ValuesOf<Fields> {
  const values = Object.keys(fields).map((name) => [
    name,
    patch[name] === undefined ? before[name] : patch[name],
  ]);
  return Object.fromEntries(values) as ValuesOf<Fields>;
}
