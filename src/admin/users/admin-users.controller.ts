import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../auth/access/current-user.decorator.js';
import { RequiresRole } from '../../auth/access/requires-role.decorator.js';
import type { Principal, SessionPrincipal } from '../../auth/access/principal.js';
import { ApiIdParam } from '../../common/openapi/api-ids.decorator.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { IdPipe } from '../../common/validation/id.pipe.js';
import { EmailTakenError, LastAdminError, UserNotFoundError } from '../../users/users.errors.js';
import {
  AdminUserEnvelope,
  AdminUsersResponse,
  InvitationResponse,
  InviteUserDto,
  PasswordResetResponse,
  UpdateUserDto,
  UsersQuery,
} from './admin-users.dto.js';
import { AdminUsersService } from './admin-users.service.js';

const UserId = () => Param('user_id', IdPipe);
const ApiUserId = () => ApiIdParam('user_id', new UserNotFoundError());

@ApiTags('admin')
@RequiresRole('admin')
@Controller('v1/admin/users')
export class AdminUsersController {
  constructor(private readonly users: AdminUsersService) {}

  @Get()
  @ApiOperation({
    operationId: 'listUsers',
    summary: 'List users',
    description:
      'All users, or those with a role or a text in their e-mail address, by id and a page at a time.',
  })
  @ApiOkResponse({ type: AdminUsersResponse })
  async listUsers(@Query() query: UsersQuery): Promise<AdminUsersResponse> {
    return AdminUsersResponse.from(query, await this.users.page(query));
  }

  @Post()
  @RateLimitPolicy('write')
  @ApiOperation({
    operationId: 'inviteUser',
    summary: 'Invite a user',
    description:
      'Creates an account, even where registration is closed. The invited user sets a password with the link, which can be used once within 7 days. The server also mails the link if it is configured to send mail.',
  })
  @ApiCreatedResponse({ type: InvitationResponse })
  @ApiProblems(new EmailTakenError())
  async inviteUser(
    @Body() invited: InviteUserDto,
    @CurrentUser() actor: SessionPrincipal,
  ): Promise<InvitationResponse> {
    return InvitationResponse.from(await this.users.inviteUser(invited, actor));
  }

  @Post(':user_id/password-reset')
  @RateLimitPolicy('write')
  @ApiUserId()
  @ApiOperation({
    operationId: 'createPasswordReset',
    summary: 'Create a password reset link',
    description:
      'For a user who cannot receive mail, or whose invitation has expired. Treat the link like a password. It can be used once within 30 minutes, unless the user is disabled. The audit log names you.',
  })
  @ApiCreatedResponse({ type: PasswordResetResponse })
  async createPasswordReset(
    @UserId() id: number,
    @CurrentUser() actor: SessionPrincipal,
  ): Promise<PasswordResetResponse> {
    return PasswordResetResponse.from(await this.users.createPasswordReset(id, actor));
  }

  @Patch(':user_id')
  @RateLimitPolicy('write')
  @ApiUserId()
  @ApiOperation({
    operationId: 'updateUser',
    summary: 'Change a role, or disable a user',
    description:
      "Effective from the user's next request. The last active admin can be neither demoted nor disabled.",
  })
  @ApiOkResponse({ type: AdminUserEnvelope })
  @ApiProblems(new LastAdminError())
  async updateUser(
    @UserId() id: number,
    @Body() change: UpdateUserDto,
    @CurrentUser() actor: Principal,
  ): Promise<AdminUserEnvelope> {
    return AdminUserEnvelope.from(await this.users.updateUser(id, change, actor));
  }
}
