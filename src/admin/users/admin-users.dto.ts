import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import type { ResetLink } from '../../auth/password-resets/password-resets.service.js';
import { ApiCount, ApiEmail, ApiId, ApiInstant, ApiStatusOk } from '../../common/openapi/api-fields.js';
import { type Page, PageQuery } from '../../common/pagination/page.query.js';
import { PageResponse } from '../../common/pagination/page.response.js';
import { HasLength, IsOmittable, IsOneOf, NormalizedText } from '../../common/validation/fields.js';
import { AtLeastOneOf } from '../../common/validation/request-validation.pipe.js';
import { EmailField } from '../../users/email-field.decorator.js';
import { type Role, ROLES } from '../../users/role.js';
import type { User } from '../../users/user.entity.js';

/** A user, with the number of items on their list. */
export type CountedUser = User & { readonly itemCount: number };
export type CountedResetLink = ResetLink & { readonly user: CountedUser };

export class UsersQuery extends PageQuery {
  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 254,
    pattern: '^.+$',
    description: 'Part of the e-mail address, such as `ada`, in any case; `%` and `_` mean themselves.',
  })
  @IsOmittable()
  @NormalizedText(254)
  @HasLength(1, 254)
  readonly q?: string;

  @ApiPropertyOptional({ type: String, enum: ROLES })
  @IsOmittable()
  @IsOneOf(ROLES)
  readonly role?: Role;
}

export class InviteUserDto {
  @EmailField()
  readonly email!: string;

  @ApiPropertyOptional({ type: String, enum: ROLES, default: 'user', example: 'user' })
  @IsOmittable()
  @IsOneOf(ROLES)
  readonly role?: Role;
}

@AtLeastOneOf('role', 'disabled')
export class UpdateUserDto {
  @ApiPropertyOptional({ type: String, enum: ROLES, example: 'admin' })
  @IsOmittable()
  @IsOneOf(ROLES)
  readonly role?: Role;

  @ApiPropertyOptional({ type: Boolean, example: false })
  @IsOmittable()
  @IsBoolean({ message: 'must be true or false' })
  readonly disabled?: boolean;
}

export class AdminUserResponse {
  @ApiId()
  readonly id!: number;

  @ApiEmail()
  readonly email!: string;

  @ApiProperty({ type: String, enum: ROLES, example: 'user' })
  readonly role!: Role;

  @ApiProperty({ type: Boolean, example: false })
  readonly disabled!: boolean;

  @ApiInstant()
  readonly created_at!: string;

  @ApiCount(2)
  readonly item_count!: number;

  static from({ id, email, role, disabled, createdAt, itemCount }: CountedUser): AdminUserResponse {
    return {
      id,
      email,
      role,
      disabled,
      created_at: createdAt.toISOString(),
      item_count: itemCount,
    };
  }
}

export class AdminUserEnvelope {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: AdminUserResponse })
  readonly user!: AdminUserResponse;

  static from(user: CountedUser): AdminUserEnvelope {
    return { status: 'ok', user: AdminUserResponse.from(user) };
  }
}

const ApiResetLink = () =>
  ApiProperty({
    type: String,
    format: 'uri-reference',
    maxLength: 400,
    pattern: '^(https?://[^/?#]+)?/dashboard/reset#token=[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}$',
    description: 'From `PUBLIC_URL`; without that, the path on this server.',
    example:
      'https://watchlist.example.com/dashboard/reset#token=WmFVoZsCp0mE4XK1hXQJ3A.c2lnbmF0dXJlLW9mLXRoZS1leGFtcGxlLXRva2VuLTE',
  });

export class PasswordResetResponse {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: AdminUserResponse })
  readonly user!: AdminUserResponse;

  @ApiResetLink()
  readonly reset_url!: string;

  @ApiInstant()
  readonly expires_at!: string;

  static from({ user, url, expiresAt }: CountedResetLink): PasswordResetResponse {
    return { ...AdminUserEnvelope.from(user), reset_url: url, expires_at: expiresAt.toISOString() };
  }
}

export class InvitationResponse {
  @ApiStatusOk()
  readonly status!: 'ok';

  @ApiProperty({ type: AdminUserResponse })
  readonly user!: AdminUserResponse;

  @ApiResetLink()
  readonly invitation_url!: string;

  @ApiInstant()
  readonly expires_at!: string;

  static from({ user, url, expiresAt }: CountedResetLink): InvitationResponse {
    return { ...AdminUserEnvelope.from(user), invitation_url: url, expires_at: expiresAt.toISOString() };
  }
}

export class AdminUsersResponse extends PageResponse {
  @ApiProperty({ type: [AdminUserResponse], maxItems: 100 })
  readonly users!: AdminUserResponse[];

  static from({ skip, limit }: PageQuery, { rows, total }: Page<CountedUser>): AdminUsersResponse {
    return { skip, limit, total, users: rows.map(AdminUserResponse.from) };
  }
}
