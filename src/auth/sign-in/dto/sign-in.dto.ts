import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { HasLength, IsOmittable, IsOneOf } from '../../../common/validation/fields.js';
import { CurrentPasswordField } from '../../passwords/password-fields.js';

export const TRANSPORTS = ['body', 'cookie'] as const;
export type Transport = (typeof TRANSPORTS)[number];

const MAXIMUM_EMAIL = 16_384;
const MAXIMUM_TOKEN = 256;

const TransportField = () =>
  applyDecorators(
    ApiPropertyOptional({
      type: String,
      enum: TRANSPORTS,
      default: 'body',
      example: 'body',
      description:
        'Where the refresh token goes: into the response body, or, for browsers, into a cookie that no script can read.',
    }),
    IsOmittable(),
    IsOneOf(TRANSPORTS),
  );

const RefreshTokenField = () =>
  applyDecorators(
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: MAXIMUM_TOKEN,
      pattern: '^[^\\u0000]*$',
      description: 'From the login or the last refresh. Without it, the token in the cookie is used.',
      example: 'WmFVoZsCp0mE4XK1hXQJ3A.0.c2lnbmF0dXJlLW9mLXRoZS1leGFtcGxlLXRva2VuLTE',
    }),
    IsOmittable(),
    HasLength(1, MAXIMUM_TOKEN),
  );

export class LoginDto {
  @ApiProperty({
    type: String,
    format: 'email',
    minLength: 1,
    maxLength: MAXIMUM_EMAIL,
    example: 'ada@example.com',
  })
  @HasLength(1, MAXIMUM_EMAIL)
  readonly email!: string;

  @CurrentPasswordField()
  readonly password!: string;

  @TransportField()
  readonly transport?: Transport;
}

export class RefreshDto {
  @RefreshTokenField()
  readonly refresh_token?: string;

  @TransportField()
  readonly transport?: Transport;
}

export class LogoutDto {
  @RefreshTokenField()
  readonly refresh_token?: string;
}
