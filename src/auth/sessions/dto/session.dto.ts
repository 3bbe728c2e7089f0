import { ApiPropertyOptional } from '@nestjs/swagger';
import { HasLength, IsOmittable, IsOneOf } from '../../../common/validation/fields.js';

export const TRANSPORTS = ['body', 'cookie'] as const;
export type Transport = (typeof TRANSPORTS)[number];

const MAXIMUM_TOKEN = 256;

export const IsTransport = () => (target: object, name: string) => {
  ApiPropertyOptional({
    type: String,
    enum: TRANSPORTS,
    default: 'body',
    example: 'body',
    description:
      'Where the refresh token goes: into the answer, or, for browsers, into a cookie that no script can read.',
  })(target, name);
  IsOmittable()(target, name);
  IsOneOf(TRANSPORTS)(target, name);
};

const IsRefreshToken = () => (target: object, name: string) => {
  ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: MAXIMUM_TOKEN,
    pattern: '^[^\\u0000]*$',
    description: 'As login or the last refresh gave it; left out, the one in the cookie.',
    example: 'WmFVoZsCp0mE4XK1hXQJ3A.0.c2lnbmF0dXJlLW9mLXRoZS1leGFtcGxlLXRva2VuLTE',
  })(target, name);
  IsOmittable()(target, name);
  HasLength(1, MAXIMUM_TOKEN)(target, name);
};

export class RefreshDto {
  @IsRefreshToken()
  readonly refresh_token?: string;

  @IsTransport()
  readonly transport?: Transport;
}

export class LogoutDto {
  @IsRefreshToken()
  readonly refresh_token?: string;
}
