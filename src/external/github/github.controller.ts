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
    summary: 'Check that the GitHub API responds',
    description:
      'The result is cached for 60 seconds. After repeated failures GitHub is not called for 30 seconds.',
  })
  @ApiOkResponse({ type: GithubStatusResponse, description: 'GitHub responds.' })
  @ApiProblems(new UpstreamError(''), new UpstreamCircuitOpenError(30), new UpstreamTimeoutError())
  getGithubStatus(): Promise<GithubStatusResponse> {
    return this.external.getGithubStatus();
  }
}
