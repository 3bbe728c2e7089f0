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
    summary: 'I forgot my password',
    description:
      'Whoever has this address is sent a link that is good once, within 30 minutes; three in that time at most. Whether anybody has it is not told, neither by the answer nor by its time.',
  })
  @ApiAcceptedResponse({ type: AcceptedResponse, description: 'Taken note of.' })
  @ApiProblems(
    new MailNotConfiguredError(),
    new DependencyDownError('database'),
    new OverloadedError(),
    new ShuttingDownError(),
  )
  async forgot(@Body() { email }: ForgotPasswordDto): Promise<AcceptedResponse> {
    await this.resets.request(email);
    return { status: 'ok' };
  }

  @Post('reset')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'resetPassword',
    summary: 'Choose a new password',
    description:
      'With the token of a link that was mailed, or that an admin made; it is good once. Ends all sessions of its user, and all their other links and personal tokens; counts from the next request on.',
  })
  @ApiNoContentResponse()
  @ApiProblems(new InvalidResetTokenError())
  async reset(@Body() { token, new_password }: ResetPasswordDto): Promise<void> {
    await this.resets.reset(token, new_password);
  }
}
