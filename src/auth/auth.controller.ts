import { Body, Controller, Get, Headers, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { HttpReply } from '../common/http/request.js';
import { ApiProblems } from '../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../common/rate-limit/rate-limit.decorator.js';
import { EmailTakenError } from '../users/users.errors.js';
import {
  InvalidCredentialsError,
  RegistrationClosedError,
  UnauthorizedError,
  wrongPassword,
} from './access/auth.errors.js';
import { AuthService } from './auth.service.js';
import { CurrentUser } from './access/current-user.decorator.js';
import { Public } from './access/public.decorator.js';
import { RequiresScope } from './access/requires-scope.decorator.js';
import { RegisteredResponse, TokenResponse, UserResponse } from './dto/auth.response.js';
import { ChangePasswordDto, LoginDto, RegisterDto } from './dto/credentials.dto.js';
import type { Principal, SignedIn } from './access/principal.js';
import { RefreshCookie } from './sign-in/refresh-cookie.js';
import { RegistrationGuard } from './account/registration.guard.js';

@ApiTags('auth')
@Controller('v1/auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
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
      'Anybody may, unless the server is set up otherwise; the new user has the role `user`. An address can be registered once, in any case.',
  })
  @ApiCreatedResponse({ type: RegisteredResponse })
  @ApiProblems(new RegistrationClosedError(), new EmailTakenError())
  async register(@Body() { email, password }: RegisterDto): Promise<RegisteredResponse> {
    return RegisteredResponse.from(await this.auth.register(email, password));
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  @RateLimitPolicy('login')
  @ApiOperation({
    operationId: 'login',
    summary: 'Sign in',
    description:
      'Begins a session: an access token for requests, a refresh token to stay signed in. A wrong password, an unknown address and a disabled user get the same answer.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems(new InvalidCredentialsError())
  async login(
    @Body() { email, password, transport }: LoginDto,
    @Headers('user-agent') device: string | undefined,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<TokenResponse> {
    return this.cookie.hand(await this.auth.login(email, password, device), transport, reply);
  }

  @Post('password')
  @HttpCode(204)
  @RateLimitPolicy('login')
  @ApiOperation({
    operationId: 'changePassword',
    summary: 'Change my password',
    description: 'Ends all your other sessions; counts from their next request on.',
  })
  @ApiNoContentResponse()
  @ApiProblems(new UnauthorizedError(true), wrongPassword())
  async changePassword(
    @CurrentUser() user: SignedIn,
    @Body() { current_password, new_password }: ChangePasswordDto,
  ): Promise<void> {
    await this.auth.changePassword(user, current_password, new_password);
  }

  @Get('me')
  @RequiresScope('profile:read')
  @ApiOperation({
    operationId: 'getMe',
    summary: 'Who am I?',
    description: 'The user whose token it is, as stored now.',
  })
  @ApiOkResponse({ type: UserResponse })
  me(@CurrentUser() user: Principal): UserResponse {
    return UserResponse.from(user);
  }
}
