import { ApiPropertyOptional } from '@nestjs/swagger';
import { ValidationFailedError } from '../../../common/errors/common.errors.js';
import { IsOmittable, IsOneOf, IsWholeNumber, MAXIMUM_ID } from '../../../common/validation/fields.js';
import type { Place } from '../items.service.js';

const NAMES = ['before', 'after', 'to'] as const;
const ApiItemIdOf = (description: string) =>
  ApiPropertyOptional({ type: 'integer', format: 'int32', minimum: 1, maximum: MAXIMUM_ID, description });

/** Exactly one of these fields. */
export class MoveItemDto {
  @ApiItemIdOf('The id of the item before which this one comes.')
  @IsOmittable()
  @IsWholeNumber(1, MAXIMUM_ID)
  readonly before?: number;

  @ApiItemIdOf('The id of the item after which this one comes.')
  @IsOmittable()
  @IsWholeNumber(1, MAXIMUM_ID)
  readonly after?: number;

  @ApiPropertyOptional({ type: String, enum: ['first', 'last'], example: 'first' })
  @IsOmittable()
  @IsOneOf(['first', 'last'])
  readonly to?: 'first' | 'last';
}

/** @throws ValidationFailedError unless exactly one place is given */
export function placeOf(body: MoveItemDto): Place {
  const given = NAMES.filter((name) => body[name] !== undefined);
  if (given.length !== 1)
    throw new ValidationFailedError([
      { field: 'body', message: 'must have exactly one of before, after, to' },
    ]);
  return body as Place;
}
