import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { EmailTakenError, LastAdminError } from '../../users/users.errors.js';
import { RegistrationClosedError, UnauthorizedError, wrongPasswordError } from '../access/auth.errors.js';
import { CurrentUser } from '../access/current-user.decorator.js';
import type { Principal, SessionPrincipal } from '../access/principal.js';
import { Public } from '../access/public.decorator.js';
import { RequiresScope } from '../access/requires-scope.decorator.js';
import { RefreshCookie } from '../sign-in/refresh-cookie.js';
import { AccountService } from './account.service.js';
import { ChangeEmailDto, ChangePasswordDto, EraseAccountDto, RegisterDto } from './dto/account.dto.js';
import { RegisteredResponse, UserResponse } from './dto/user.response.js';
import { RegistrationGuard } from './registration.guard.js';

@ApiTags('auth')
@Controller('v1/auth')
export class AccountController {
  constructor(
    private readonly account: AccountService,
    private readonly cookie: RefreshCookie,
  ) {}

  @Post('register')
  @Public()
  @UseGuards(RegistrationGuard)
  @RateLimitPolicy('register')
  @ApiOperation({
    operationId: 'register',
    summary: 'Create an account',
    description:
      'Open to everyone unless the server is configured otherwise. The new user has the role `user`. Each address can be registered once; upper and lower case make no difference.',
  })
  @ApiCreatedResponse({ type: RegisteredResponse })
  @ApiProblems(new RegistrationClosedError(), new EmailTakenError())
  async register(@Body() { email, password }: RegisterDto): Promise<RegisteredResponse> {
    return RegisteredResponse.from(await this.account.register(email, password));
  }

  @Post('password')
  @HttpCode(204)
  @RateLimitPolicy('login')
  @ApiOperation({
    operationId: 'changePassword',
    summary: 'Change my password',
    description: 'Ends all your other sessions, effective from their next request.',
  })
  @ApiNoContentResponse()
  @ApiProblems(new UnauthorizedError(true), wrongPasswordError())
  async changePassword(
    @CurrentUser() user: SessionPrincipal,
    @Body() { current_password, new_password }: ChangePasswordDto,
  ): Promise<void> {
    await this.account.changePassword(user, current_password, new_password);
  }

  @Get('me')
  @RequiresScope('profile:read')
  @ApiOperation({
    operationId: 'getMe',
    summary: 'Get my account',
    description: 'The user that the token belongs to, as stored now.',
  })
  @ApiOkResponse({ type: UserResponse })
  me(@CurrentUser() user: Principal): UserResponse {
    return UserResponse.from(user);
  }

  @Patch('me')
  @RateLimitPolicy('login')
  @ApiOperation({
    operationId: 'changeEmail',
    summary: 'Change my e-mail address',
    description: 'From now on you sign in with the new address. Your sessions continue.',
  })
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems(new UnauthorizedError(true), wrongPasswordError(), new EmailTakenError())
  async changeEmail(
    @CurrentUser() user: SessionPrincipal,
    @Body() { email, current_password }: ChangeEmailDto,
  ): Promise<UserResponse> {
    return UserResponse.from(await this.account.changeEmail(user, email, current_password));
  }

  @Delete('me')
  @HttpCode(204)
  @RateLimitPolicy('login')
  @ApiOperation({
    operationId: 'eraseAccount',
    summary: 'Delete my account',
    description:
      'Cannot be undone. You, your items, sessions and tokens are gone from the next request on. Your actions stay in the audit log without your name. The last active admin cannot be deleted.',
  })
  @ApiBody({ type: EraseAccountDto })
  @ApiNoContentResponse()
  @ApiProblems(new UnauthorizedError(true), wrongPasswordError(), new LastAdminError())
  async erase(
    @CurrentUser() user: SessionPrincipal,
    @Body() { current_password }: EraseAccountDto,
    @Req() { headers }: HttpRequest,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<void> {
    await this.account.eraseAccount(user, current_password);
    if (headers.cookie !== undefined) this.cookie.clearRefreshCookie(reply);
  }
}
