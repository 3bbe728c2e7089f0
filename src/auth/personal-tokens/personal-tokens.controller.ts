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
    private readonly recheck: SessionRecheck,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  @Post()
  @ApiOperation({
    operationId: 'createToken',
    summary: 'Create a personal token',
    description: `A personal token gives a script access. Send it as \`Authorization: Bearer wl_…\`. It is valid only for its scopes and has its own rate limits. You can have at most ${MAXIMUM_TOKENS} tokens.`,
  })
  @ApiCreatedResponse({ type: NewPersonalTokenResponse })
  @ApiProblems(new TooManyTokensError(MAXIMUM_TOKENS))
  async create(
    @CurrentUser() user: SessionPrincipal,
    @Body() { name, scopes, expires_in_days }: CreatePersonalTokenDto,
  ): Promise<NewPersonalTokenResponse> {
    const fields = { name, scopes, expiresInDays: expires_in_days ?? null };
    const { token, stored } = await this.unitOfWork.write(async () => {
      await this.recheck.assertActive(user);
      return this.tokens.createToken(fields, user);
    });
    return NewPersonalTokenResponse.fromNew(token, stored);
  }

  @Get()
  @ApiOperation({
    operationId: 'listTokens',
    summary: 'List my personal tokens',
    description:
      'Your personal tokens, newest first, with the time and address of their last use. Expired tokens stay in the list until you create another token.',
  })
  @ApiOkResponse({ type: PersonalTokensResponse })
  async list(@CurrentUser() user: SessionPrincipal): Promise<PersonalTokensResponse> {
    return PersonalTokensResponse.from(await this.tokens.listTokens(user.id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiIdParam('id', new TokenNotFoundError())
  @ApiOperation({
    operationId: 'revokeToken',
    summary: 'Revoke a personal token',
    description: "Effective from the token's next request. The token of another user is not found.",
  })
  @ApiNoContentResponse()
  async revoke(@CurrentUser() user: SessionPrincipal, @Param('id', IdPipe) id: number): Promise<void> {
    await this.tokens.revokeToken(id, user);
  }
}
