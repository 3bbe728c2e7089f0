import { Body, Controller, Headers, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import {
  InvalidCredentialsError,
  InvalidRefreshTokenError,
  OriginNotAllowedError,
  UnauthorizedError,
} from '../access/auth.errors.js';
import type { SessionPrincipal } from '../access/principal.js';
import { Public, TokenOptional } from '../access/public.decorator.js';
import { REFRESH_GRACE_SECONDS, SessionsService } from '../sessions/sessions.service.js';
import { LoginDto, LogoutDto, RefreshDto } from './dto/sign-in.dto.js';
import { TokenResponse } from './dto/token.response.js';
import { RefreshCookie } from './refresh-cookie.js';
import { SignInService } from './sign-in.service.js';

@ApiTags('auth')
@Controller('v1/auth')
export class SignInController {
  constructor(
    private readonly signIn: SignInService,
    private readonly sessions: SessionsService,
    private readonly cookie: RefreshCookie,
  ) {}

  @Post('login')
  @Public()
  @HttpCode(200)
  @RateLimitPolicy('login')
  @ApiOperation({
    operationId: 'login',
    summary: 'Sign in',
    description:
      'Begins a session. Returns an access token for requests and a refresh token to stay signed in. A wrong password, an unknown address and a disabled user get the same answer.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems(new InvalidCredentialsError())
  async login(
    @Body() { email, password, transport }: LoginDto,
    @Headers('user-agent') device: string | undefined,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<TokenResponse> {
    return this.cookie.deliverTokens(await this.signIn.login(email, password, device), transport, reply);
  }

  @Post('refresh')
  @Public()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'refresh',
    summary: 'Stay signed in',
    description: `Exchanges a refresh token for an access token and the next refresh token. Each refresh token can be used once. If a token is used again more than ${REFRESH_GRACE_SECONDS} s later, the session ends.`,
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems(new InvalidRefreshTokenError(), new OriginNotAllowedError())
  async refresh(
    @Body() { refresh_token, transport }: RefreshDto,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<TokenResponse> {
    const inCookie = refresh_token === undefined ? this.cookie.readRefreshToken(request) : undefined;
    const token = refresh_token ?? inCookie;
    if (token === undefined) throw new InvalidRefreshTokenError();
    const tokens = await this.signIn.refresh(token, request.headers['user-agent']);
    // A token from the cookie stays in the cookie even if the body asks for it, because no script must read it.
    return this.cookie.deliverTokens(tokens, inCookie === undefined ? transport : 'cookie', reply);
  }

  @Post('logout')
  @TokenOptional()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'logout',
    summary: 'Sign out',
    description:
      'Ends one session: that of the refresh token in the body, otherwise that of the access token, otherwise that of the cookie. Its access tokens end with it.',
  })
  @ApiNoContentResponse()
  @ApiProblems(new UnauthorizedError(true), new OriginNotAllowedError())
  async logout(
    @Body() { refresh_token }: LogoutDto,
    @Req() request: HttpRequest & { user?: SessionPrincipal },
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<void> {
    const { user } = request;
    if (refresh_token !== undefined) await this.signIn.logout(refresh_token);
    else if (user !== undefined) await this.sessions.endSession(user.sessionId, user);
    else {
      const inCookie = this.cookie.readRefreshToken(request);
      if (inCookie === undefined) throw new UnauthorizedError(false);
      await this.signIn.logout(inCookie);
    }
    if (request.headers.cookie !== undefined) this.cookie.clearRefreshCookie(reply);
  }
}
