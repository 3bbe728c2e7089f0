import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { isInt, ValidateBy, ValidateIf } from 'class-validator';
import { isDay, parseInstant } from './parse-instant.js';

export const MAXIMUM_ID = 2_147_483_647;

/** JavaScript would also accept `1e3`, `0x10`, `+1` and `01`. */
const QUERY_NUMBER = /^(0|[1-9]\d{0,9})$/;

const ID = /^[1-9]\d{0,9}$/;

/** An id as text, in a path or a token. In a body an id is a number. */
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

/** Counts code points. */
export function lengthIn(text: string, minimum: number, maximum: number): boolean {
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

/**
 * Trims the text and converts it to Unicode NFC, so that equal texts have equal bytes.
 *
 * @param convert for what else makes equal texts equal
 */
export const NormalizedText = (maximum: number, convert = (text: string) => text) =>
  Transform(({ value }) =>
    typeof value === 'string' && value.length <= maximumGivenLength(maximum)
      ? convert(value.trim().normalize('NFC'))
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

/** A rule of a single field, with the message for values that break it. */
const rule = (name: string, validate: (value: unknown) => boolean, message: string) =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => message } });

/** Exactly one of these words. */
export const IsOneOf = (words: readonly string[]) =>
  rule('isOneOf', (value) => words.includes(value as string), `must be one of: ${words.join(', ')}`);

/** @param description completes "must be" */
export const IsMatching = (pattern: RegExp, maxLength: number, description: string) =>
  rule(
    'isMatching',
    (value) => typeof value === 'string' && value.length <= maxLength && pattern.test(value),
    `must be ${description}`,
  );

/** In a body, where a number is not text. */
export const IsWholeNumber = (minimum: number, maximum: number) =>
  rule(
    'isWholeNumber',
    (value) => isInt(value) && (value as number) >= minimum && (value as number) <= maximum,
    `must be a whole number from ${minimum} to ${maximum}`,
  );

/** Not a list, which is an object to JavaScript. */
export const IsObject = () =>
  rule(
    'isObject',
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object',
  );

/** At most one decimal. */
export const IsTenths = (minimum: number, maximum: number) =>
  rule(
    'isTenths',
    (value) =>
      typeof value === 'number' && value >= minimum && value <= maximum && Number(value.toFixed(1)) === value,
    `must be a number from ${minimum} to ${maximum} with at most one decimal`,
  );

// eslint-disable-next-line no-control-regex -- this pattern matches control characters
const CONTROL_BUT_LINES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** Text of several lines. Line breaks become `\n`. */
export const IsLines = (maximum: number) =>
  applyDecorators(
    NormalizedText(maximum, (text) => text.replace(/\r\n?/g, '\n')),
    HasLength(1, maximum),
    textRule(
      'hasNoControlButLines',
      maximum,
      (text) => !CONTROL_BUT_LINES.test(text),
      'must not contain control characters other than line breaks and tabs',
    ),
  );

/** A day of the calendar, as text. */
export const IsDay = () =>
  rule('isDay', (value) => typeof value === 'string' && isDay(value), 'must be a date such as 2026-11-23');

/** A time with its offset, or a date, which means noon UTC, so that it is the same date in most time zones. */
export const IsInstantOrDay = () =>
  applyDecorators(
    Transform(({ value }) =>
      typeof value === 'string'
        ? (parseInstant(isDay(value) ? `${value}T12:00:00Z` : value) ?? value)
        : value,
    ),
    rule(
      'isInstantOrDay',
      (value) => value instanceof Date,
      'must be a time such as 2026-11-23T08:30:00Z, or a date such as 2026-11-23',
    ),
  );

/** An address that a browser reads as https, with a host and without a user name or a password. */
export const IsHttpsUrl = (maximum: number) =>
  rule(
    'isHttpsUrl',
    (value) => typeof value === 'string' && value.length <= maximum && isHttpsUrl(value),
    `must be an https:// address of at most ${maximum} characters`,
  );

function isHttpsUrl(text: string): boolean {
  if (!/^https:\/\/[\u0021-\u007e]+$/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '';
}

interface TagOptions {
  readonly maximum: number;
  readonly maxLength: number;
}

/** Two tags with the same key are the same tag. */
export const tagKey = (tag: string) => tag.toLowerCase();

/** Short texts without commas. Of two that differ only in case, the first one stays. */
export function IsTags({ maximum, maxLength }: TagOptions): PropertyDecorator {
  const isReadable = (tag: unknown) => typeof tag === 'string' && tag.length <= maximumGivenLength(maxLength);
  const isTag = (tag: unknown) =>
    typeof tag === 'string' &&
    lengthIn(tag, 1, maxLength) &&
    !tag.includes(',') &&
    !CONTROL_CHARACTER.test(tag) &&
    VISIBLE_CHARACTER.test(tag);
  return applyDecorators(
    Transform(({ value }) =>
      Array.isArray(value) && value.length <= maximumGivenLength(maximum) && value.every(isReadable)
        ? distinctTags((value as string[]).map((tag) => tag.trim().normalize('NFC')))
        : (value as unknown),
    ),
    rule(
      'isTags',
      (value) => Array.isArray(value) && value.length <= maximum && value.every(isTag),
      `must be a list of at most ${maximum} tags. A tag is text of 1 to ${maxLength} characters without commas or control characters`,
    ),
  );
}

/** The first spelling of each tag, in the order given. */
function distinctTags(tags: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const tag of tags) if (!byKey.has(tagKey(tag))) byKey.set(tagKey(tag), tag);
  return [...byKey.values()];
}
