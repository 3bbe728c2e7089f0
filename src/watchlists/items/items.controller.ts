import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { UnauthorizedError } from '../../auth/access/auth.errors.js';
import { CurrentUser } from '../../auth/access/current-user.decorator.js';
import { RequiresScope } from '../../auth/access/requires-scope.decorator.js';
import type { Principal } from '../../auth/access/principal.js';
import { CacheResponse } from '../../common/cache/cache-response.decorator.js';
import type { HttpReply } from '../../common/http/request.js';
import { ApiIfMatch, IfMatch, Tagged, TaggedRead } from '../../common/http/etag/with-etag.decorator.js';
import { ApiIdParam } from '../../common/openapi/api-ids.decorator.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { IdPipe } from '../../common/validation/id.pipe.js';
import { UserNotFoundError } from '../../users/users.errors.js';
import { CreateWatchlistItemDto, UpdateWatchlistItemDto } from './dto/item.dto.js';
import { ITEM_LOCATION, ItemEnvelope, ListResponse } from './dto/item.response.js';
import { ListQuery } from './dto/list.query.js';
import { ItemNotFoundError } from './items.errors.js';
import { WatchlistsService } from './items.service.js';

const ItemId = () => Param('item_id', IdPipe);
const ApiItemId = () => ApiIdParam('item_id', new ItemNotFoundError());

@ApiTags('watchlists')
@Controller('v1/watchlists')
export class WatchlistsController {
  constructor(private readonly watchlists: WatchlistsService) {}

  @Get()
  @RequiresScope('items:read')
  @CacheResponse()
  @RateLimitPolicy('list')
  @ApiOperation({
    operationId: 'listItems',
    summary: 'My watchlist, a page at a time',
    description:
      '`total` counts what matches the filter, on all pages together. Never older than your last change.',
  })
  @ApiOkResponse({ type: ListResponse })
  async list(@CurrentUser() user: Principal, @Query() query: ListQuery): Promise<ListResponse> {
    return ListResponse.from(user.email, query, await this.watchlists.page({ ...query, ownerId: user.id }));
  }

  @Post('items')
  @RequiresScope('items:write')
  @Tagged()
  @RateLimitPolicy('write')
  @ApiOperation({
    operationId: 'addItem',
    summary: 'Add a movie or show',
    description: 'To your own list; the same title twice is allowed.',
  })
  @ApiCreatedResponse({ type: ItemEnvelope, headers: { Location: ITEM_LOCATION } })
  async add(
    @CurrentUser() user: Principal,
    @Body() fields: CreateWatchlistItemDto,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<ItemEnvelope> {
    const item = await this.watchlists.add(user.id, fields, user).catch((error: unknown) => {
      // Erased since the token was looked at.
      throw error instanceof UserNotFoundError ? new UnauthorizedError(true) : error;
    });
    reply.header('location', `/v1/watchlists/items/${item.id}`);
    return ItemEnvelope.from(item);
  }

  @Get('items/:item_id')
  @RequiresScope('items:read')
  @TaggedRead()
  @ApiItemId()
  @ApiOperation({
    operationId: 'getItem',
    summary: 'One item',
    description: "Of your own list: somebody else's item is answered like one that does not exist.",
  })
  @ApiOkResponse({ type: ItemEnvelope })
  async get(@CurrentUser() user: Principal, @ItemId() id: number): Promise<ItemEnvelope> {
    return ItemEnvelope.from(await this.watchlists.get(id, user.id));
  }

  @Patch('items/:item_id')
  @RequiresScope('items:write')
  @Tagged()
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'updateItem',
    summary: 'Change title or type',
    description:
      'What is left out stays. A change to what is there already leaves `updated_at` as it is. With `If-Match`, of two who change the same only one succeeds.',
  })
  @ApiOkResponse({ type: ItemEnvelope })
  async update(
    @CurrentUser() user: Principal,
    @ItemId() id: number,
    @Body() fields: UpdateWatchlistItemDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<ItemEnvelope> {
    const terms = { ownerId: user.id, precondition: ItemEnvelope.mustMatch(ifMatch) };
    return ItemEnvelope.from(await this.watchlists.update(id, fields, user, terms));
  }

  @Delete('items/:item_id')
  @RequiresScope('items:write')
  @HttpCode(204)
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'deleteItem',
    summary: 'Take an item off the list',
    description: 'For good; a second try is answered 404. With `If-Match` only if it is as you know it.',
  })
  @ApiNoContentResponse()
  async delete(
    @CurrentUser() user: Principal,
    @ItemId() id: number,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<void> {
    const terms = { ownerId: user.id, precondition: ItemEnvelope.mustMatch(ifMatch) };
    await this.watchlists.delete(id, user, terms);
  }
}
