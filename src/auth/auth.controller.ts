import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../common/rate-limit/rate-limit.decorator.js';
import { EmailTakenError } from '../users/users.errors.js';
import { InvalidCredentialsError } from './auth.errors.js';
import { AuthService } from './auth.service.js';
import { CurrentUser } from './decorators/current-user.decorator.js';
import { Public } from './decorators/public.decorator.js';
import { RegisteredResponse, TokenResponse, UserResponse } from './dto/auth.response.js';
import { LoginDto, RegisterDto } from './dto/credentials.dto.js';
import type { Principal } from './principal.js';

@ApiTags('auth')
@Controller('v1/auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('register')
  @Public()
  @RateLimitPolicy('register')
  @ApiOperation({
    operationId: 'register',
    summary: 'Create an account',
    description:
      'Anybody may; the new user has the role `user`. An address can be registered once, in any case.',
  })
  @ApiCreatedResponse({ type: RegisteredResponse })
  @ApiProblems(new EmailTakenError())
  async register(@Body() { email, password }: RegisterDto): Promise<RegisteredResponse> {
    return RegisteredResponse.from(await this.auth.register(email, password));
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  @RateLimitPolicy('login')
  @ApiOperation({
    operationId: 'login',
    summary: 'Sign in for an access token',
    description: 'A wrong password, an unknown address and a disabled user get the same answer.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems(new InvalidCredentialsError())
  async login(@Body() { email, password }: LoginDto): Promise<TokenResponse> {
    return TokenResponse.from(await this.auth.login(email, password));
  }

  @Get('me')
  @ApiOperation({
    operationId: 'getMe',
    summary: 'Who am I?',
    description: 'The user whom the access token names, as stored now.',
  })
  @ApiOkResponse({ type: UserResponse })
  me(@CurrentUser() user: Principal): UserResponse {
    return UserResponse.from(user);
  }
}
