import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AuditService } from '../../audit/audit.service.js';
import { RequiresRole } from '../../auth/access/requires-role.decorator.js';
import { AuditLogsQuery, AuditLogsResponse } from './audit-logs.dto.js';

@ApiTags('admin')
@RequiresRole('admin')
@Controller('v1/admin/audit-logs')
export class AdminAuditLogsController {
  constructor(private readonly audit: AuditService) {}

  @Get()
  @ApiOperation({
    operationId: 'listAuditLogs',
    summary: 'List the audit log',
    description: 'Every change and every sign-in, successful or not, newest first. Filters match exactly.',
  })
  @ApiOkResponse({ type: AuditLogsResponse })
  async list(@Query() query: AuditLogsQuery): Promise<AuditLogsResponse> {
    const { skip, limit, actor_id, action, resource_type, resource_id, from, to } = query;
    const page = await this.audit.findPage({
      skip,
      limit,
      actorId: actor_id,
      action,
      resourceType: resource_type,
      resourceId: resource_id,
      from,
      to,
    });
    return AuditLogsResponse.from(query, page);
  }
}
