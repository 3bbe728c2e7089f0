import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/access/current-user.decorator.js';
import { RequiresRole } from '../auth/access/requires-role.decorator.js';
import type { Principal, SessionPrincipal } from '../auth/access/principal.js';
import { ApiIdParam } from '../common/openapi/api-ids.decorator.js';
import { ApiProblems } from '../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../common/rate-limit/rate-limit.decorator.js';
import { IdPipe } from '../common/validation/id.pipe.js';
import { EmailTakenError, LastAdminError, UserNotFoundError } from '../users/users.errors.js';
import { AdminService } from './admin.service.js';
import {
  AdminUserEnvelope,
  AdminUsersResponse,
  InvitationResponse,
  InviteUserDto,
  PasswordResetResponse,
  UpdateUserDto,
  UsersQuery,
} from './dto/admin-users.dto.js';
import { AuditLogsQuery, AuditLogsResponse } from './dto/audit-logs.dto.js';
import { StatsResponse } from './dto/stats.response.js';

const UserId = () => Param('user_id', IdPipe);
const ApiUserId = () => ApiIdParam('user_id', new UserNotFoundError());

@ApiTags('admin')
@RequiresRole('admin')
@Controller('v1/admin')
export class AdminController {
  constructor(private readonly admin: AdminService) {}

  @Get('stats')
  @ApiOperation({
    operationId: 'getStats',
    summary: 'How many users and items there are',
    description: 'Counted at the time of asking.',
  })
  @ApiOkResponse({ type: StatsResponse })
  stats(): Promise<StatsResponse> {
    return this.admin.stats();
  }

  @Get('users')
  @ApiOperation({
    operationId: 'listUsers',
    summary: 'Users, by id',
    description:
      'All of them, or those with a role or with something in their e-mail address; a page at a time.',
  })
  @ApiOkResponse({ type: AdminUsersResponse })
  async listUsers(@Query() query: UsersQuery): Promise<AdminUsersResponse> {
    return AdminUsersResponse.from(query, await this.admin.pageOfUsers(query));
  }

  @Post('users')
  @RateLimitPolicy('write')
  @ApiOperation({
    operationId: 'inviteUser',
    summary: 'Invite somebody',
    description:
      'Creates the account, also where registration is closed. With the link, good once and for 7 days, they choose their password; it is mailed to them too, where the server sends mail.',
  })
  @ApiCreatedResponse({ type: InvitationResponse })
  @ApiProblems(new EmailTakenError())
  async inviteUser(
    @Body() invited: InviteUserDto,
    @CurrentUser() actor: SessionPrincipal,
  ): Promise<InvitationResponse> {
    return InvitationResponse.from(await this.admin.inviteUser(invited, actor));
  }

  @Post('users/:user_id/password-reset')
  @RateLimitPolicy('write')
  @ApiUserId()
  @ApiOperation({
    operationId: 'createPasswordReset',
    summary: 'Make a link to a new password',
    description:
      'For who has forgotten theirs and cannot be sent mail, and for an invitation that has expired; hand it over as carefully as a password. Good once, for 30 minutes, and only while the user is not disabled. The audit log names you.',
  })
  @ApiCreatedResponse({ type: PasswordResetResponse })
  async createPasswordReset(
    @UserId() id: number,
    @CurrentUser() actor: SessionPrincipal,
  ): Promise<PasswordResetResponse> {
    return PasswordResetResponse.from(await this.admin.createPasswordReset(id, actor));
  }

  @Patch('users/:user_id')
  @RateLimitPolicy('write')
  @ApiUserId()
  @ApiOperation({
    operationId: 'updateUser',
    summary: 'Change role or standing',
    description:
      'Counts from their next request on. The last active admin can be neither demoted nor disabled.',
  })
  @ApiOkResponse({ type: AdminUserEnvelope })
  @ApiProblems(new LastAdminError())
  async updateUser(
    @UserId() id: number,
    @Body() change: UpdateUserDto,
    @CurrentUser() actor: Principal,
  ): Promise<AdminUserEnvelope> {
    return AdminUserEnvelope.from(await this.admin.updateUser(id, change, actor));
  }

  @Get('audit-logs')
  @ApiOperation({
    operationId: 'listAuditLogs',
    summary: 'Who did what, newest first',
    description: 'Every change, and every sign-in that worked or failed. Filters match exactly.',
  })
  @ApiOkResponse({ type: AuditLogsResponse })
  async listAuditLogs(@Query() query: AuditLogsQuery): Promise<AuditLogsResponse> {
    return AuditLogsResponse.from(query, await this.admin.pageOfAuditLogs(query));
  }
}
