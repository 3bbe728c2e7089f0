import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { SessionNotFoundError } from './sessions.errors.js';
import { SESSION_ID, SessionsService } from './sessions.service.js';
import { InvalidRefreshTokenError, OriginNotAllowedError, UnauthorizedError } from '../access/auth.errors.js';
import { AuthService } from '../auth.service.js';
import { CurrentUser } from '../access/current-user.decorator.js';
import { Public, TokenOptional } from '../access/public.decorator.js';
import { TokenResponse } from '../dto/auth.response.js';
import { LogoutDto, RefreshDto } from './dto/session.dto.js';
import { SessionsResponse } from './dto/session.response.js';
import type { SignedIn } from '../access/principal.js';
import { RefreshCookie } from '../sign-in/refresh-cookie.js';

@ApiTags('auth')
@Controller('v1/auth')
export class SessionsController {
  constructor(
    private readonly auth: AuthService,
    private readonly sessions: SessionsService,
    private readonly cookie: RefreshCookie,
  ) {}

  @Post('refresh')
  @Public()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'refresh',
    summary: 'Stay signed in',
    description:
      'Exchanges a refresh token for an access token and the next refresh token. Each is good once: one that comes again later than 10 s after it was exchanged ends the session.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems(new InvalidRefreshTokenError(), new OriginNotAllowedError())
  async refresh(
    @Body() { refresh_token, transport }: RefreshDto,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<TokenResponse> {
    const inCookie = refresh_token === undefined ? this.cookie.read(request) : undefined;
    const token = refresh_token ?? inCookie;
    if (token === undefined) throw new InvalidRefreshTokenError();
    const tokens = await this.auth.refresh(token, request.headers['user-agent']);
    // What came in the cookie stays there, whatever is asked for: no script is to read it.
    return this.cookie.hand(tokens, inCookie === undefined ? transport : 'cookie', reply);
  }

  @Post('logout')
  @TokenOptional()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'logout',
    summary: 'Sign out',
    description:
      'Ends the session of the refresh token in the body, else that of the access token, else that of the cookie. Its access tokens end with it.',
  })
  @ApiNoContentResponse()
  @ApiProblems(new UnauthorizedError(true), new OriginNotAllowedError())
  async logout(
    @Body() { refresh_token }: LogoutDto,
    @Req() request: HttpRequest & { user?: SignedIn },
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<void> {
    const { user } = request;
    if (refresh_token !== undefined) await this.auth.logout(refresh_token);
    else if (user !== undefined) await this.sessions.end(user.sessionId, user);
    else {
      const inCookie = this.cookie.read(request);
      if (inCookie === undefined) throw new UnauthorizedError(false);
      await this.auth.logout(inCookie);
    }
    if (request.headers.cookie !== undefined) this.cookie.clear(reply);
  }

  @Get('sessions')
  @ApiOperation({
    operationId: 'listSessions',
    summary: 'Where am I signed in?',
    description:
      'Your sessions, the one that was used last first. There are at most 100: signing in once more ends the one that has not been used for the longest time.',
  })
  @ApiOkResponse({ type: SessionsResponse })
  async list(@CurrentUser() user: SignedIn): Promise<SessionsResponse> {
    return SessionsResponse.from(await this.sessions.list(user.id), user.sessionId);
  }

  @Delete('sessions')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'endOtherSessions',
    summary: 'Sign out everywhere else',
    description: 'Ends all your sessions but the one that asks; counts from their next request on.',
  })
  @ApiNoContentResponse()
  async endOthers(@CurrentUser() user: SignedIn): Promise<void> {
    await this.sessions.endOthers(user, user.sessionId);
  }

  @Delete('sessions/:session_id')
  @HttpCode(204)
  @ApiParam({
    name: 'session_id',
    required: true,
    schema: { type: 'string', pattern: SESSION_ID.source, maxLength: 22, example: 'WmFVoZsCp0mE4XK1hXQJ3A' },
  })
  @ApiOperation({
    operationId: 'endSession',
    summary: 'Sign out there',
    description: "Ends one of your sessions; counts from its next request on. Somebody else's is not found.",
  })
  @ApiNoContentResponse()
  @ApiProblems(new SessionNotFoundError())
  async end(@CurrentUser() user: SignedIn, @Param('session_id') id: string): Promise<void> {
    // Not everything that can be in a path can be in a query to the database.
    if (!SESSION_ID.test(id)) throw new SessionNotFoundError();
    await this.sessions.end(id, user);
  }
}
