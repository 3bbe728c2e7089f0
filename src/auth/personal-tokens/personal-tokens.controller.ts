import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ApiIdParam } from '../../common/openapi/api-ids.decorator.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { IdPipe } from '../../common/validation/id.pipe.js';
import { TokenNotFoundError, TooManyTokensError } from './personal-tokens.errors.js';
import { MAXIMUM_TOKENS, PersonalTokensService } from './personal-tokens.service.js';
import { CurrentUser } from '../access/current-user.decorator.js';
import { CreatePersonalTokenDto } from './dto/personal-token.dto.js';
import { NewPersonalTokenResponse, PersonalTokensResponse } from './dto/personal-token.response.js';
import type { SessionPrincipal } from '../access/principal.js';
import { SessionRecheck } from '../sessions/session-recheck.js';

@ApiTags('auth')
@Controller('v1/auth/tokens')
export class PersonalTokensController {
  constructor(
    private readonly tokens: PersonalTokensService,
    private readonly sessionRecheck: SessionRecheck,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  @Post()
  @ApiOperation({
    operationId: 'createToken',
    summary: 'A key for a script',
    description: `A personal token: send it as \`Authorization: Bearer wl_…\`. It is good for the scopes that it names and nothing else, and has rate limits of its own. There can be ${MAXIMUM_TOKENS} at a time.`,
  })
  @ApiCreatedResponse({ type: NewPersonalTokenResponse })
  @ApiProblems(new TooManyTokensError(MAXIMUM_TOKENS))
  async create(
    @CurrentUser() user: SessionPrincipal,
    @Body() { name, scopes, expires_in_days }: CreatePersonalTokenDto,
  ): Promise<NewPersonalTokenResponse> {
    const fields = { name, scopes, expiresInDays: expires_in_days ?? null };
    const { token, stored } = await this.unitOfWork.write(async () => {
      await this.sessionRecheck.assertActive(user);
      return this.tokens.create(fields, user);
    });
    return NewPersonalTokenResponse.of(token, stored);
  }

  @Get()
  @ApiOperation({
    operationId: 'listTokens',
    summary: 'My personal tokens',
    description:
      'The newest first, with where and when each was last used; expired ones until another is made.',
  })
  @ApiOkResponse({ type: PersonalTokensResponse })
  async list(@CurrentUser() user: SessionPrincipal): Promise<PersonalTokensResponse> {
    return PersonalTokensResponse.from(await this.tokens.list(user.id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiIdParam('id', new TokenNotFoundError())
  @ApiOperation({
    operationId: 'revokeToken',
    summary: 'Revoke a personal token',
    description: "Counts from its next request on. Somebody else's is not found.",
  })
  @ApiNoContentResponse()
  async revoke(@CurrentUser() user: SessionPrincipal, @Param('id', IdPipe) id: number): Promise<void> {
    await this.tokens.revoke(id, user);
  }
}
