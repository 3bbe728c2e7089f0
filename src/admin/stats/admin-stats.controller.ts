import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequiresRole } from '../../auth/access/requires-role.decorator.js';
import { UsersService } from '../../users/users.service.js';
import { ListsService } from '../../watchlists/lists/lists.service.js';
import { StatsResponse } from './stats.response.js';

@ApiTags('admin')
@RequiresRole('admin')
@Controller('v1/admin/stats')
export class AdminStatsController {
  constructor(
    private readonly users: UsersService,
    private readonly lists: ListsService,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'getStats',
    summary: 'Count users and items',
    description: 'Counted at the time of the request.',
  })
  @ApiOkResponse({ type: StatsResponse })
  async stats(): Promise<StatsResponse> {
    const [users, items] = await Promise.all([this.users.countAll(), this.lists.countAll()]);
    return StatsResponse.from(users, items);
  }
}
