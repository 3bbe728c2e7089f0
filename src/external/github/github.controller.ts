import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../../auth/access/public.decorator.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { GithubStatusResponse } from './dto/github-status.response.js';
import { UpstreamCircuitOpenError, UpstreamError, UpstreamTimeoutError } from './github.errors.js';
import { ExternalService } from './github.service.js';

@ApiTags('external')
@Controller('v1/external')
export class ExternalController {
  constructor(private readonly external: ExternalService) {}

  @Get('github')
  @Public()
  @ApiOperation({
    operationId: 'getGithubStatus',
    summary: 'Whether the GitHub API answers',
    description:
      'An answer is kept for 60 seconds. While GitHub keeps failing it is left alone for 30 seconds.',
  })
  @ApiOkResponse({ type: GithubStatusResponse, description: 'GitHub answers.' })
  @ApiProblems(new UpstreamError(''), new UpstreamCircuitOpenError(30), new UpstreamTimeoutError())
  getGithubStatus(): Promise<GithubStatusResponse> {
    return this.external.getGithubStatus();
  }
}
