import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import { Public } from '../auth/access/public.decorator.js';
import type { HttpReply } from '../common/http/request.js';
import {
  DetailedHealthResponse,
  ENVIRONMENT_HEADER,
  LivenessResponse,
  NotReadyResponse,
  ReadyResponse,
} from './dto/health.response.js';
import { HealthService } from './health.service.js';

@ApiTags('health')
@Public()
@SkipThrottle()
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get('health')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'Check that the process responds',
    description:
      'Does not check any dependency. Use it to restart a process that does not respond. Not rate limited.',
  })
  @ApiOkResponse({ type: LivenessResponse })
  liveness(): LivenessResponse {
    return { status: 'ok' };
  }

  @Get('health/live')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    operationId: 'getLive',
    summary: 'Check that the process is alive',
    description:
      'For the liveness probe of an orchestrator. Does not check any dependency, and also responds during shutdown. Not rate limited.',
  })
  @ApiOkResponse({ type: LivenessResponse })
  live(): LivenessResponse {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    operationId: 'getReady',
    summary: 'Check that the process can serve requests',
    description:
      'For the readiness probe of an orchestrator or a load balancer. Responds with 503 if the database is down or the process is shutting down. Redis can be down. Not rate limited.',
  })
  @ApiOkResponse({ type: ReadyResponse })
  @ApiServiceUnavailableResponse({ type: NotReadyResponse, description: 'Not ready; `reason` says why.' })
  async ready(@Res({ passthrough: true }) reply: HttpReply): Promise<ReadyResponse | NotReadyResponse> {
    const reason = await this.health.notReadyReason();
    if (reason === undefined) return { status: 'ready' };
    reply.code(503);
    return { status: 'not_ready', reason };
  }

  @Get('v1/health/detailed')
  @ApiOperation({
    operationId: 'getDetailedHealth',
    summary: 'Check the database and Redis',
    description:
      'Waits one second at most for each. `ok` means that Redis accepts a write; `disabled` means that the server runs without Redis.',
  })
  @ApiOkResponse({
    type: DetailedHealthResponse,
    description: 'The server works; `degraded` means that Redis is down.',
    headers: { 'X-Environment': ENVIRONMENT_HEADER },
  })
  @ApiServiceUnavailableResponse({
    type: DetailedHealthResponse,
    description: 'The database is down.',
    headers: { 'X-Environment': ENVIRONMENT_HEADER },
    example: DetailedHealthResponse.from({ database: 'down', redis: 'ok' }),
  })
  async detailed(@Res({ passthrough: true }) reply: HttpReply): Promise<DetailedHealthResponse> {
    const report = await this.health.detailed();
    const { publicEnvironment } = this.health;
    if (publicEnvironment !== undefined) reply.header('x-environment', publicEnvironment);
    reply.code(report.status === 'down' ? 503 : 200);
    return report;
  }
}
