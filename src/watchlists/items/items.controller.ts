import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser } from '../../auth/access/current-user.decorator.js';
import { RequiresScope } from '../../auth/access/requires-scope.decorator.js';
import type { Principal } from '../../auth/access/principal.js';
import { CacheResponse } from '../../common/cache/cache-response.decorator.js';
import { AcceptsBody, PATCH_TYPES } from '../../common/http/json-body.js';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import type { AnswerWithETag } from '../../common/http/etag/etag.interceptor.js';
import { ApiIfMatch, ConditionalGet, IfMatch, WithETag } from '../../common/http/etag/with-etag.decorator.js';
import { ApiIdParam } from '../../common/openapi/api-ids.decorator.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { pageLinks } from '../../common/pagination/page-links.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { IdPipe } from '../../common/validation/id.pipe.js';
import { DeleteItemQuery } from './delete-item.query.js';
import { CreateItemDto, UpdateItemDto } from './dto/item.dto.js';
import { ItemEnvelope, ListResponse } from './dto/item.response.js';
import { MoveItemDto, placeOf } from './dto/move-item.dto.js';
import {
  PickQuery,
  PickResponse,
  SummaryResponse,
  TagsQuery,
  TagsResponse,
} from './dto/overview.response.js';
import { itemLocation } from './item-response.js';
import { MAXIMUM_ITEM_BYTES } from './item-fields.js';
import { ItemTags } from './item-tags.js';
import type { StoredItem } from './item.entity.js';
import { ItemExistsError, ItemNotFoundError } from './items.errors.js';
import { ItemsService } from './items.service.js';
import { ListCacheKey } from './list-cache-key.js';
import { filterOf, itemQueryOf, ListQuery } from './list.query.js';

const ITEMS = '/v1/watchlists/items';
const ITEM_EXISTS = new ItemExistsError({ id: 7, deletedAt: null });
const ItemId = () => Param('item_id', IdPipe);
const ApiItemId = () => ApiIdParam('item_id', new ItemNotFoundError());

@ApiTags('watchlists')
@Controller('v1/watchlists')
export class ItemsController {
  constructor(
    private readonly items: ItemsService,
    private readonly tags: ItemTags,
  ) {}

  @Get()
  @RequiresScope('items:read')
  @CacheResponse({ key: ListCacheKey, query: ListQuery })
  @RateLimitPolicy('list')
  @ApiOperation({
    operationId: 'listItems',
    summary: 'My watchlist, a page at a time',
    description:
      '`total` counts the items that match the filter, on all pages together; `counts` counts them by status, whatever `status` asks for. The answer is never older than your last change. The header `Link` has the addresses of the first, next and previous page.',
  })
  @ApiOkResponse({ type: ListResponse })
  async list(
    @CurrentUser() user: Principal,
    @Query() query: ListQuery,
    @Req() { url }: HttpRequest,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<ListResponse> {
    const itemQuery = { ...itemQueryOf(query, user.id), ownerId: user.id };
    const answer = ListResponse.from(user.email, itemQuery, await this.items.page(itemQuery));
    reply.header('link', pageLinks(url, answer));
    return answer;
  }

  @Get('summary')
  @RequiresScope('items:read')
  @CacheResponse({ key: ListCacheKey })
  @RateLimitPolicy('list')
  @ApiOperation({
    operationId: 'getSummary',
    summary: 'My watchlist in numbers',
    description: 'Flat numbers for dashboards and widgets. Items in the trash do not count.',
  })
  @ApiOkResponse({ type: SummaryResponse })
  async summary(@CurrentUser() user: Principal): Promise<SummaryResponse> {
    return SummaryResponse.from(await this.items.summary(user.id));
  }

  @Get('tags')
  @RequiresScope('items:read')
  @CacheResponse({ key: ListCacheKey, query: TagsQuery })
  @RateLimitPolicy('list')
  @ApiOperation({
    operationId: 'listTags',
    summary: 'The tags of my watchlist',
    description: 'With the number of items that have each, the most frequent first.',
  })
  @ApiOkResponse({ type: TagsResponse })
  async tagsOf(@CurrentUser() user: Principal, @Query() { q }: TagsQuery): Promise<TagsResponse> {
    return { tags: await this.items.tagCounts(user.id, q) };
  }

  @Get('pick')
  @RequiresScope('items:read')
  @RateLimitPolicy('list')
  @ApiOperation({
    operationId: 'pickItem',
    summary: 'What do we watch tonight?',
    description:
      'One of the items that match the filters of the list. Without `seed` the server chooses one and tells it.',
  })
  @ApiOkResponse({ type: PickResponse })
  async pick(
    @CurrentUser() user: Principal,
    @Query() { seed = randomBytes(6).toString('hex'), ...filter }: PickQuery,
  ): Promise<PickResponse> {
    return PickResponse.from(seed, await this.items.pick(user.id, filterOf(filter), seed));
  }

  @Post('items')
  @AcceptsBody({ maximumBytes: MAXIMUM_ITEM_BYTES })
  @RequiresScope('items:write')
  @WithETag()
  @RateLimitPolicy('write')
  @ApiOperation({
    operationId: 'addItem',
    summary: 'Add a movie or show',
    description: 'To your own list; the same title twice is allowed.',
  })
  @ApiProblems(ITEM_EXISTS)
  @ApiCreatedResponse({ type: ItemEnvelope, headers: { Location: itemLocation(ITEMS) } })
  async add(
    @CurrentUser() user: Principal,
    @Body() body: CreateItemDto,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<AnswerWithETag<ItemEnvelope>> {
    const item = await this.items.add(user.id, body, user);
    reply.header('location', `${ITEMS}/${item.id}`);
    return this.answer(item);
  }

  @Get('items/:item_id')
  @RequiresScope('items:read')
  @ConditionalGet()
  @ApiItemId()
  @ApiOperation({
    operationId: 'getItem',
    summary: 'One item',
    description: "Of your own list. Another user's item is answered like one that does not exist.",
  })
  @ApiOkResponse({ type: ItemEnvelope })
  async get(@CurrentUser() user: Principal, @ItemId() id: number): Promise<AnswerWithETag<ItemEnvelope>> {
    return this.answer(await this.items.get(id, user.id));
  }

  @Patch('items/:item_id')
  @AcceptsBody({ maximumBytes: MAXIMUM_ITEM_BYTES, types: PATCH_TYPES })
  @RequiresScope('items:write')
  @WithETag()
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'updateItem',
    summary: 'Change an item',
    description:
      'A field that is left out stays as it is. A change to the present value leaves `updated_at` as it is. With `If-Match`, only one of two concurrent changes succeeds.',
  })
  @ApiProblems(ITEM_EXISTS)
  @ApiOkResponse({ type: ItemEnvelope })
  async update(
    @CurrentUser() user: Principal,
    @ItemId() id: number,
    @Body() patch: UpdateItemDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<AnswerWithETag<ItemEnvelope>> {
    return this.answer(await this.items.update(id, patch, user, { ownerId: user.id, ifMatch }));
  }

  @Delete('items/:item_id')
  @RequiresScope('items:write')
  @HttpCode(204)
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'deleteItem',
    summary: 'Move an item to the trash',
    description:
      'The item can be restored until its `purge_at`; a second try is answered 404. With `permanent=true` the item is deleted for good. With `If-Match`, only if the item is as you know it.',
  })
  @ApiNoContentResponse()
  async delete(
    @CurrentUser() user: Principal,
    @ItemId() id: number,
    @Query() { permanent }: DeleteItemQuery,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<void> {
    const conditions = { ownerId: user.id, ifMatch };
    await (permanent ? this.items.purge(id, user, conditions) : this.items.delete(id, user, conditions));
  }

  @Post('items/:item_id/restore')
  @RequiresScope('items:write')
  @HttpCode(200)
  @WithETag()
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'restoreItem',
    summary: 'Take an item out of the trash',
    description: 'The item is on the list again, as it was. 404 when it is not in the trash.',
  })
  @ApiOkResponse({ type: ItemEnvelope })
  async restore(
    @CurrentUser() user: Principal,
    @ItemId() id: number,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<AnswerWithETag<ItemEnvelope>> {
    return this.answer(await this.items.restore(id, user, { ownerId: user.id, ifMatch }));
  }

  @Post('items/:item_id/move')
  @RequiresScope('items:write')
  @HttpCode(200)
  @WithETag()
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'moveItem',
    summary: 'Change the place of an item',
    description:
      'In the order of `sort=manual`: before or after another item, or to the first or last place. New items come last.',
  })
  @ApiOkResponse({ type: ItemEnvelope })
  async move(
    @CurrentUser() user: Principal,
    @ItemId() id: number,
    @Body() body: MoveItemDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<AnswerWithETag<ItemEnvelope>> {
    return this.answer(await this.items.move(id, placeOf(body), { ownerId: user.id, ifMatch }));
  }

  @Delete('trash')
  @RequiresScope('items:write')
  @HttpCode(204)
  @RateLimitPolicy('write')
  @ApiOperation({
    operationId: 'emptyTrash',
    summary: 'Empty the trash',
    description: 'Deletes all items in your trash for good.',
  })
  @ApiNoContentResponse()
  async emptyTrash(@CurrentUser() user: Principal): Promise<void> {
    await this.items.emptyTrash(user.id, user);
  }

  private answer(item: StoredItem): AnswerWithETag<ItemEnvelope> {
    return { body: ItemEnvelope.from(item), etag: this.tags.of(item) };
  }
}
