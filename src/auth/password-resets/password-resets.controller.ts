import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  DependencyDownError,
  OverloadedError,
  ShuttingDownError,
} from '../../common/errors/common.errors.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { InvalidResetTokenError, MailNotConfiguredError } from '../access/auth.errors.js';
import { Public } from '../access/public.decorator.js';
import { AcceptedResponse, ForgotPasswordDto, ResetPasswordDto } from './dto/password-reset.dto.js';
import { PasswordResetsService } from './password-resets.service.js';

@ApiTags('auth')
@Public()
@RateLimitPolicy('login')
@Controller('v1/auth/password')
export class PasswordResetsController {
  constructor(private readonly resets: PasswordResetsService) {}

  @Post('forgot')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'forgotPassword',
    summary: 'Request a password reset',
    description:
      'Sends a link to this address if it has an account. The link works once, within 30 minutes. An address gets at most three links in that time. Neither the response nor its timing reveals whether the account exists.',
  })
  @ApiAcceptedResponse({ type: AcceptedResponse, description: 'The request is accepted.' })
  @ApiProblems(
    new MailNotConfiguredError(),
    new DependencyDownError('database'),
    new OverloadedError(),
    new ShuttingDownError(),
  )
  async forgot(@Body() { email }: ForgotPasswordDto): Promise<AcceptedResponse> {
    await this.resets.requestReset(email);
    return { status: 'ok' };
  }

  @Post('reset')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'resetPassword',
    summary: 'Choose a new password',
    description:
      "Needs the token of a link that was mailed or that an admin created. The token works once. Ends all sessions of the user and revokes the user's other links and personal tokens, effective from their next request.",
  })
  @ApiNoContentResponse()
  @ApiProblems(new InvalidResetTokenError())
  async reset(@Body() { token, new_password }: ResetPasswordDto): Promise<void> {
    await this.resets.resetPassword(token, new_password);
  }
}
