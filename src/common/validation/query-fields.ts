import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import { IsOmittable, lengthIn } from './fields.js';

/** At most one decimal. JavaScript would also accept `1e3`, `0x10`, `+1` and `01`. */
const DECIMAL = /^(0|[1-9]\d{0,5})(\.\d)?$/;

const valid = (name: string, validate: (value: unknown) => boolean, message: string) =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => message } });

const EMPTY = 'must not be empty';
/** A parameter without a value is often an empty variable of a script, so the message says what is missing. */
const IsNotEmpty = () => valid('isNotEmpty', (value) => value !== '', EMPTY);

interface DecimalOptions {
  readonly minimum: number;
  readonly maximum: number;
  readonly description: string;
}

/** Documents, converts and validates an optional number with at most one decimal. */
export const QueryDecimal = ({ minimum, maximum, description }: DecimalOptions) =>
  applyDecorators(
    ApiPropertyOptional({ type: Number, minimum, maximum, description }),
    IsOmittable(),
    Transform(({ value }) =>
      typeof value === 'string' && DECIMAL.test(value) ? Number(value) : (value as unknown),
    ),
    valid(
      'queryDecimal',
      (value) => typeof value === 'number' && value >= minimum && value <= maximum,
      `must be a number from ${minimum} to ${maximum} with at most one decimal, given once`,
    ),
  );

/** Documents, converts and validates an optional `true` or `false`. */
export const QueryFlag = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: Boolean, description }),
    IsOmittable(),
    Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown))),
    valid('queryFlag', (value) => typeof value === 'boolean', 'must be true or false, given once'),
  );

interface TextOptions {
  readonly maxLength: number;
  /** For the OpenAPI document. */
  readonly pattern?: string;
  readonly description: string;
}

/** Documents and validates an optional text. */
export const QueryText = ({ maxLength, pattern = '^[^\\u0000]*$', description }: TextOptions) =>
  applyDecorators(
    ApiPropertyOptional({ type: String, minLength: 1, maxLength, pattern, description }),
    IsOmittable(),
    IsNotEmpty(),
    valid(
      'queryText',
      (value) => typeof value === 'string' && lengthIn(value, 1, maxLength),
      `must be text of 1 to ${maxLength} characters, given once`,
    ),
  );

interface ListOptions {
  /** How many elements there can be. */
  readonly maximum: number;
  readonly maxLength?: number;
  /** All elements that are known. */
  readonly words?: readonly string[];
  readonly pattern?: RegExp;
  /** What the pattern asks for; completes "each must be". */
  readonly form?: string;
  readonly description: string;
}

/** Documents, converts and validates an optional list, separated by commas. */
export function QueryList({ maximum, maxLength = 40, words, pattern, form, description }: ListOptions) {
  const element = form ?? (words ? `one of: ${words.join(', ')}` : `text of 1 to ${maxLength} characters`);
  const isElement = (text: unknown) =>
    typeof text === 'string' &&
    lengthIn(text, 1, maxLength) &&
    (words === undefined || words.includes(text)) &&
    (pattern === undefined || pattern.test(text));
  return applyDecorators(
    ApiPropertyOptional({
      type: 'array',
      items: {
        type: 'string',
        minLength: 1,
        maxLength,
        ...(words && { enum: [...words] }),
        pattern: pattern?.source ?? '^[^,]+$',
      },
      minItems: 1,
      maxItems: maximum,
      // One parameter with commas, not one for each element.
      style: 'form',
      explode: false,
      description,
    } as object),
    IsOmittable(),
    Transform(({ value }) =>
      typeof value === 'string' && value !== '' && value.length <= 2 * maximum * (maxLength + 1)
        ? value.split(',').map((text) => text.trim())
        : value === '' || value === undefined
          ? (value as unknown)
          : null,
    ),
    IsNotEmpty(),
    valid(
      'queryList',
      (value) => Array.isArray(value) && value.length <= maximum && value.every(isElement),
      `must be at most ${maximum} values separated by commas, each ${element}; given once`,
    ),
  );
}
