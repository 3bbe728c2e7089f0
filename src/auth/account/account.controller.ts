import { Body, Controller, Delete, HttpCode, Patch, Req, Res } from '@nestjs/common';
import { ApiBody, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { EmailTakenError, LastAdminError } from '../../users/users.errors.js';
import { AccountService } from './account.service.js';
import { UnauthorizedError, wrongPassword } from '../access/auth.errors.js';
import { CurrentUser } from '../access/current-user.decorator.js';
import { ChangeEmailDto, EraseAccountDto } from './dto/account.dto.js';
import { UserResponse } from '../dto/auth.response.js';
import type { SignedIn } from '../access/principal.js';
import { RefreshCookie } from '../sign-in/refresh-cookie.js';

@ApiTags('auth')
@Controller('v1/auth/me')
@RateLimitPolicy('login')
@ApiProblems(new UnauthorizedError(true), wrongPassword())
export class AccountController {
  constructor(
    private readonly account: AccountService,
    private readonly cookie: RefreshCookie,
  ) {}

  @Patch()
  @ApiOperation({
    operationId: 'changeEmail',
    summary: 'Change my e-mail address',
    description: 'You sign in with the new one from now on; your sessions go on.',
  })
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems(new EmailTakenError())
  async changeEmail(
    @CurrentUser() user: SignedIn,
    @Body() { email, current_password }: ChangeEmailDto,
  ): Promise<UserResponse> {
    return UserResponse.from(await this.account.changeEmail(user, email, current_password));
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'eraseAccount',
    summary: 'Erase my account',
    description:
      'For good: you, your items, sessions and tokens are gone from the next request on. What you did stays in the audit log, without your name. The last active admin cannot go.',
  })
  @ApiBody({ type: EraseAccountDto })
  @ApiNoContentResponse()
  @ApiProblems(new LastAdminError())
  async erase(
    @CurrentUser() user: SignedIn,
    @Body() { current_password }: EraseAccountDto,
    @Req() { headers }: HttpRequest,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<void> {
    await this.account.erase(user, current_password);
    if (headers.cookie !== undefined) this.cookie.clear(reply);
  }
}
