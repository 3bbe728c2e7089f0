import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ApiStatusOk } from '../../../common/openapi/api-fields.js';
import type { SessionTokens } from '../sign-in.service.js';

export class TokenResponse {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({
    type: String,
    pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
    maxLength: 4096,
    description: 'A JSON Web Token; send it as `Authorization: Bearer …`.',
    example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  })
  readonly access_token!: string;

  @ApiProperty({ type: String, enum: ['bearer'], example: 'bearer' })
  readonly token_type!: 'bearer';

  @ApiProperty({
    type: 'integer',
    format: 'int32',
    minimum: 1,
    maximum: 31_536_000,
    description: 'Seconds.',
    example: 3600,
  })
  readonly expires_in!: number;

  @ApiPropertyOptional({
    type: String,
    maxLength: 256,
    pattern: '^[A-Za-z0-9_-]{22}\\.(0|[1-9]\\d{0,8})\\.[A-Za-z0-9_-]{43}$',
    description: 'For `POST /v1/auth/refresh`. Works once. Left out when it is in the cookie.',
    example: 'WmFVoZsCp0mE4XK1hXQJ3A.0.c2lnbmF0dXJlLW9mLXRoZS1leGFtcGxlLXRva2VuLTE',
  })
  readonly refresh_token?: string;

  @ApiProperty({
    type: 'integer',
    format: 'int32',
    minimum: 1,
    maximum: 315_360_000,
    description: 'Seconds. Each refresh restarts the time, until the session itself ends.',
    example: 604_800,
  })
  readonly refresh_expires_in!: number;

  /** @param refreshToken left out when it is in the cookie */
  static from({ access, refresh }: SessionTokens, refreshToken?: string): TokenResponse {
    return {
      status: 'ok',
      access_token: access.token,
      token_type: 'bearer',
      expires_in: access.expiresIn,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      refresh_expires_in: refresh.expiresIn,
    };
  }
}
