import { ApiProperty } from '@nestjs/swagger';
import { ApiEmail, ApiId, ApiInstant, ApiStatusOk } from '../../../common/openapi/api-fields.js';
import { type Role, ROLES } from '../../../users/role.js';

/** The stored user or the principal. */
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
