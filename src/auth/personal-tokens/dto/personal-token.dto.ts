import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { isInt, ValidateBy } from 'class-validator';
import { IsOmittable, IsTitle } from '../../../common/validation/fields.js';
import { type Scope, SCOPES } from '../../access/scopes.js';

const MAXIMUM_NAME = 100;
const MAXIMUM_DAYS = 3650;

const AreScopes = () =>
  ValidateBy({
    name: 'areScopes',
    validator: {
      validate: (value) =>
        Array.isArray(value) &&
        value.length > 0 &&
        value.length <= SCOPES.length &&
        value.every((scope) => (SCOPES as readonly unknown[]).includes(scope)) &&
        new Set(value).size === value.length,
      defaultMessage: () => `must be a list of one or more of: ${SCOPES.join(', ')}; without repeats`,
    },
  });

const AreDays = () =>
  ValidateBy({
    name: 'areDays',
    validator: {
      validate: (value: unknown) =>
        isInt(value) && (value as number) >= 1 && (value as number) <= MAXIMUM_DAYS,
      defaultMessage: () => `must be a whole number from 1 to ${MAXIMUM_DAYS}`,
    },
  });

export class CreatePersonalTokenDto {
  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: MAXIMUM_NAME,
    pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
    description: 'A name that tells you the purpose of the token.',
    example: 'Backup script',
  })
  @IsTitle(MAXIMUM_NAME)
  readonly name!: string;

  @ApiProperty({
    type: String,
    enum: SCOPES,
    isArray: true,
    minItems: 1,
    maxItems: SCOPES.length,
    uniqueItems: true,
    example: ['items:read', 'items:write'],
  })
  @AreScopes()
  readonly scopes!: Scope[];

  @ApiPropertyOptional({
    type: 'integer',
    format: 'int32',
    minimum: 1,
    maximum: MAXIMUM_DAYS,
    description: 'Without this, the token is valid until you revoke it.',
    example: 90,
  })
  @IsOmittable()
  @AreDays()
  readonly expires_in_days?: number;
}
