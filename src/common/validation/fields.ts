import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { isInt, ValidateBy, ValidateIf } from 'class-validator';

export const MAXIMUM_ID = 2_147_483_647;

/** JavaScript would also accept `1e3`, `0x10`, `+1` and `01`. */
const QUERY_NUMBER = /^(0|[1-9]\d{0,9})$/;

const ID = /^[1-9]\d{0,9}$/;

/** An id as text, in a path or a token. In a body an id is a number, see {@link IsId}. */
export function isIdText(text: string): boolean {
  return ID.test(text) && Number(text) <= MAXIMUM_ID;
}

/** The field is optional but not nullable (class-validator's `@IsOptional()` also accepts `null`). */
export const IsOmittable = () => ValidateIf((_object, value) => value !== undefined);

/**
 * Spaces around the text and separate accents can make it longer than what is left of them. Longer texts are refused
 * before they are worked on, because normalizing takes time that grows with the square of the length.
 */
const maximumGivenLength = (maximum: number) => 10 * maximum;

/** Counts code points. */
export const HasLength = (minimum: number, maximum: number) =>
  ValidateBy({
    name: 'hasLength',
    validator: {
      validate: (value) => typeof value === 'string' && lengthIn(value, minimum, maximum),
      defaultMessage: () => `must be text of ${minimum} to ${maximum} characters`,
    },
  });

/** A code point has at most two code units, so long strings are rejected without counting. */
const isTooLong = (text: string, maximum: number) => text.length > 2 * maximum;

function lengthIn(text: string, minimum: number, maximum: number): boolean {
  if (isTooLong(text, maximum)) return false;
  const length = [...text].length;
  return length >= minimum && length <= maximum;
}

// eslint-disable-next-line no-control-regex -- this pattern matches control characters
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Letters, digits, punctuation, symbols, and what Node does not know yet, but not what is drawn as nothing (U+2800 is an
 * empty Braille cell).
 */
const VISIBLE_CHARACTER = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}\p{Co}\p{Cn}]/u;

/** A rule for texts that are not too long. Those that are have an error already. */
const textRule = (name: string, maximum: number, isValid: (text: string) => boolean, message: string) =>
  ValidateBy({
    name,
    validator: {
      validate: (value) => typeof value !== 'string' || isTooLong(value, maximum) || isValid(value),
      defaultMessage: () => message,
    },
  });

/** Trims the text and converts it to Unicode NFC, so that equal texts have equal bytes. */
export const NormalizedText = (maximum: number) =>
  Transform(({ value }) =>
    typeof value === 'string' && value.length <= maximumGivenLength(maximum)
      ? value.trim().normalize('NFC')
      : value,
  );

/** A name or a title: one line with something to see. */
export const IsTitle = (maximum: number) =>
  applyDecorators(
    NormalizedText(maximum),
    HasLength(1, maximum),
    textRule(
      'hasNoControlCharacters',
      maximum,
      (text) => !CONTROL_CHARACTER.test(text),
      'must not contain control characters',
    ),
    textRule(
      'hasVisibleCharacter',
      maximum,
      (text) => text === '' || VISIBLE_CHARACTER.test(text),
      'must have a visible character',
    ),
  );

interface QueryIntegerOptions {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
  readonly description: string;
}

/** Documents, converts and validates an optional whole number in the query. */
export function QueryInteger({
  minimum = 0,
  maximum = MAXIMUM_ID,
  default: fallback,
  description,
}: QueryIntegerOptions) {
  return applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      format: 'int32',
      minimum,
      maximum,
      default: fallback,
      description,
    }),
    IsOmittable(),
    Transform(({ value }) => (typeof value === 'string' && QUERY_NUMBER.test(value) ? Number(value) : value)),
    ValidateBy({
      name: 'queryInteger',
      validator: {
        validate: (value: unknown) =>
          isInt(value) && (value as number) >= minimum && (value as number) <= maximum,
        defaultMessage: () => `must be a whole number from ${minimum} to ${maximum}, given once`,
      },
    }),
  );
}

/** Exactly one of these words. */
export const IsOneOf = (words: readonly string[]) =>
  ValidateBy({
    name: 'isOneOf',
    validator: {
      validate: (value) => words.includes(value as string),
      defaultMessage: () => `must be one of: ${words.join(', ')}`,
    },
  });

/** An id in a body, which is a JSON number and not text. */
export const IsId = () =>
  ValidateBy({
    name: 'isId',
    validator: {
      validate: (value: unknown) => isInt(value) && (value as number) >= 1 && (value as number) <= MAXIMUM_ID,
      defaultMessage: () => `must be a whole number from 1 to ${MAXIMUM_ID}`,
    },
  });
