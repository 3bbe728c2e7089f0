import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import { Public } from '../auth/access/public.decorator.js';
import type { HttpReply } from '../common/http/request.js';
import { NOT_RATE_LIMITED } from '../common/rate-limit/rate-limits.js';
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
@SkipThrottle(NOT_RATE_LIMITED)
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get('health')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'Does the process answer?',
    description:
      'Looks at nothing else: for whoever restarts what does not answer. Never counted under a rate limit.',
  })
  @ApiOkResponse({ type: LivenessResponse })
  liveness(): LivenessResponse {
    return { status: 'ok' };
  }

  @Get('health/live')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    operationId: 'getLive',
    summary: 'Must this process be restarted?',
    description:
      'Not as long as it answers. Looks at nothing else, and is answered while shutting down too: for an orchestrator. Never counted under a rate limit.',
  })
  @ApiOkResponse({ type: LivenessResponse })
  live(): LivenessResponse {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    operationId: 'getReady',
    summary: 'May requests be sent to this process?',
    description:
      'Not without the database, and not while shutting down; Redis may be away. For an orchestrator or a balancer. Never counted under a rate limit.',
  })
  @ApiOkResponse({ type: ReadyResponse })
  @ApiServiceUnavailableResponse({ type: NotReadyResponse, description: 'Not now, and why.' })
  async ready(@Res({ passthrough: true }) reply: HttpReply): Promise<ReadyResponse | NotReadyResponse> {
    const reason = await this.health.obstacle();
    if (reason === undefined) return { status: 'ready' };
    reply.code(503);
    return { status: 'not_ready', reason };
  }

  @Get('v1/health/detailed')
  @ApiOperation({
    operationId: 'getDetailedHealth',
    summary: 'Do the database and Redis answer?',
    description: 'Asks each of them, for a second at most. `disabled`: the server was started without Redis.',
  })
  @ApiOkResponse({
    type: DetailedHealthResponse,
    description: 'Serving; `degraded` when Redis is down.',
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
    const { toldEnvironment } = this.health;
    if (toldEnvironment !== undefined) reply.header('x-environment', toldEnvironment);
    reply.code(report.status === 'down' ? 503 : 200);
    return report;
  }
}
