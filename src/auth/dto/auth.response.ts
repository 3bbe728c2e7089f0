import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ApiEmail, ApiId, ApiInstant, ApiStatusOk } from '../../common/openapi/api-fields.js';
import { type Role, ROLES } from '../../users/role.js';
import type { SessionTokens } from '../auth.service.js';

/** What {@link UserResponse} is built from: the stored user or the principal. */
interface UserFields {
  readonly id: number;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
}

export class UserResponse {
  @ApiId()
  readonly id!: number;

  @ApiEmail()
  readonly email!: string;

  @ApiProperty({ type: String, enum: ROLES, example: 'user' })
  readonly role!: Role;

  @ApiInstant()
  readonly created_at!: string;

  static from({ id, email, role, createdAt }: UserFields): UserResponse {
    return { id, email, role, created_at: createdAt.toISOString() };
  }
}

export class RegisteredResponse {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiEmail()
  readonly email!: string;

  @ApiProperty({ type: UserResponse })
  readonly user!: UserResponse;

  static from(user: UserFields): RegisteredResponse {
    return { status: 'ok', email: user.email, user: UserResponse.from(user) };
  }
}

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
    description: 'For `POST /v1/auth/refresh`, once. Not here when it is in the cookie.',
    example: 'WmFVoZsCp0mE4XK1hXQJ3A.0.c2lnbmF0dXJlLW9mLXRoZS1leGFtcGxlLXRva2VuLTE',
  })
  readonly refresh_token?: string;

  @ApiProperty({
    type: 'integer',
    format: 'int32',
    minimum: 1,
    maximum: 315_360_000,
    description: 'Seconds; each exchange begins anew, until the session itself ends.',
    example: 604_800,
  })
  readonly refresh_expires_in!: number;

  /** @param refreshToken left out when it travels otherwise */
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
