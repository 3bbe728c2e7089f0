import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { SessionNotFoundError } from './sessions.errors.js';
import { SESSION_ID, SessionsService } from './sessions.service.js';
import { CurrentUser } from '../access/current-user.decorator.js';
import { SessionsResponse } from './dto/session.response.js';
import type { SessionPrincipal } from '../access/principal.js';

@ApiTags('auth')
@Controller('v1/auth/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Get()
  @ApiOperation({
    operationId: 'listSessions',
    summary: 'List my sessions',
    description:
      'Your sessions, most recently used first. You can have at most 100; another sign-in then ends the one that has been idle longest.',
  })
  @ApiOkResponse({ type: SessionsResponse })
  async list(@CurrentUser() user: SessionPrincipal): Promise<SessionsResponse> {
    return SessionsResponse.from(await this.sessions.listSessions(user.id), user.sessionId);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'endOtherSessions',
    summary: 'Sign out everywhere else',
    description: 'Ends all your sessions except this one, effective from their next request.',
  })
  @ApiNoContentResponse()
  async endOthers(@CurrentUser() user: SessionPrincipal): Promise<void> {
    await this.sessions.endOtherSessions(user, user.sessionId);
  }

  @Delete(':session_id')
  @HttpCode(204)
  @ApiParam({
    name: 'session_id',
    required: true,
    schema: { type: 'string', pattern: SESSION_ID.source, maxLength: 22, example: 'WmFVoZsCp0mE4XK1hXQJ3A' },
  })
  @ApiOperation({
    operationId: 'endSession',
    summary: 'End one of my sessions',
    description:
      "Ends one of your sessions, effective from its next request. Another user's session is answered with 404.",
  })
  @ApiNoContentResponse()
  @ApiProblems(new SessionNotFoundError())
  async end(@CurrentUser() user: SessionPrincipal, @Param('session_id') id: string): Promise<void> {
    // A path can hold characters that the database refuses.
    if (!SESSION_ID.test(id)) throw new SessionNotFoundError();
    await this.sessions.endSession(id, user);
  }
}
