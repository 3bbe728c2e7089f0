import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser } from '../../auth/access/current-user.decorator.js';
import type { Principal } from '../../auth/access/principal.js';
import { RequiresRole } from '../../auth/access/requires-role.decorator.js';
import type { AnswerWithETag } from '../../common/http/etag/etag.interceptor.js';
import { ApiIfMatch, ConditionalGet, IfMatch, WithETag } from '../../common/http/etag/with-etag.decorator.js';
import { AcceptsBody, PATCH_TYPES } from '../../common/http/json-body.js';
import type { HttpReply, HttpRequest } from '../../common/http/request.js';
import { ApiIdParam } from '../../common/openapi/api-ids.decorator.js';
import { ApiProblems } from '../../common/openapi/api-problems.decorator.js';
import { pageLinks } from '../../common/pagination/page-links.js';
import { RateLimitPolicy } from '../../common/rate-limit/rate-limit.decorator.js';
import { IdPipe } from '../../common/validation/id.pipe.js';
import type { User } from '../../users/user.entity.js';
import { UserNotFoundError } from '../../users/users.errors.js';
import { MAXIMUM_ITEM_BYTES } from '../../watchlists/items/item-fields.js';
import { DeleteItemQuery } from '../../watchlists/items/delete-item.query.js';
import { itemLocation } from '../../watchlists/items/item-response.js';
import { ItemTags } from '../../watchlists/items/item-tags.js';
import type { StoredItem } from '../../watchlists/items/item.entity.js';
import { itemQueryOf } from '../../watchlists/items/list.query.js';
import { ItemExistsError, ItemNotFoundError } from '../../watchlists/items/items.errors.js';
import {
  AdminCreateItemDto,
  AdminListQuery,
  AdminListResponse,
  AdminUpdateItemDto,
  OwnedItemEnvelope,
} from './admin-items.dto.js';
import { AdminItemsService } from './admin-items.service.js';

const ITEMS = '/v1/admin/watchlists/items';
const ITEM_EXISTS = new ItemExistsError({ id: 7, deletedAt: null });
const ItemId = () => Param('item_id', IdPipe);
const ApiItemId = () => ApiIdParam('item_id', new ItemNotFoundError());

@ApiTags('admin')
@RequiresRole('admin')
@Controller('v1/admin/watchlists')
export class AdminItemsController {
  constructor(
    private readonly items: AdminItemsService,
    private readonly tags: ItemTags,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listAllItems',
    summary: "Anyone's items",
    description: "All users' items, or one user's; each with its owner, a page at a time.",
  })
  @ApiOkResponse({ type: AdminListResponse })
  async list(
    @Query() query: AdminListQuery,
    @Req() { url }: HttpRequest,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<AdminListResponse> {
    const itemQuery = itemQueryOf(query, query.user_id);
    const answer = AdminListResponse.from(itemQuery, await this.items.page(itemQuery));
    reply.header('link', pageLinks(url, answer));
    return answer;
  }

  @Post('items')
  @AcceptsBody({ maximumBytes: MAXIMUM_ITEM_BYTES })
  @WithETag()
  @RateLimitPolicy('write')
  @ApiOperation({
    operationId: 'addItemFor',
    summary: "Add to a user's list",
    description: 'The owner sees it at once; the audit log names you.',
  })
  @ApiCreatedResponse({ type: OwnedItemEnvelope, headers: { Location: itemLocation(ITEMS) } })
  @ApiProblems(new UserNotFoundError(), ITEM_EXISTS)
  async add(
    @Body() body: AdminCreateItemDto,
    @CurrentUser() actor: Principal,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<AnswerWithETag<OwnedItemEnvelope>> {
    const owned = await this.items.add(body, actor);
    reply.header('location', `${ITEMS}/${owned.item.id}`);
    return this.answer(owned);
  }

  @Get('items/:item_id')
  @ConditionalGet()
  @ApiItemId()
  @ApiOperation({
    operationId: 'getItemOf',
    summary: "One item of anyone's list",
    description: 'With its owner, and with the `ETag` that a change or a deletion by an admin is based on.',
  })
  @ApiOkResponse({ type: OwnedItemEnvelope })
  async get(@ItemId() id: number): Promise<AnswerWithETag<OwnedItemEnvelope>> {
    return this.answer(await this.items.get(id));
  }

  @Patch('items/:item_id')
  @AcceptsBody({ maximumBytes: MAXIMUM_ITEM_BYTES, types: PATCH_TYPES })
  @WithETag()
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'updateItemOf',
    summary: "Change an item on anyone's list",
    description: 'As its owner can. The owner sees it at once; the audit log names you.',
  })
  @ApiProblems(ITEM_EXISTS)
  @ApiOkResponse({ type: OwnedItemEnvelope })
  async update(
    @ItemId() id: number,
    @Body() patch: AdminUpdateItemDto,
    @CurrentUser() actor: Principal,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<AnswerWithETag<OwnedItemEnvelope>> {
    return this.answer(await this.items.update(id, patch, actor, ifMatch));
  }

  @Delete('items/:item_id')
  @HttpCode(204)
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'deleteItemOf',
    summary: "Move an item of anyone's list to the trash",
    description:
      'As its owner can, also with `permanent=true`. The owner sees it at once; the audit log names you.',
  })
  @ApiNoContentResponse()
  async delete(
    @ItemId() id: number,
    @Query() { permanent }: DeleteItemQuery,
    @CurrentUser() actor: Principal,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<void> {
    await (permanent ? this.items.purge(id, actor, ifMatch) : this.items.delete(id, actor, ifMatch));
  }

  @Post('items/:item_id/restore')
  @HttpCode(200)
  @WithETag()
  @RateLimitPolicy('write')
  @ApiItemId()
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'restoreItemOf',
    summary: "Take an item out of anyone's trash",
    description: 'As its owner can. The owner sees it at once; the audit log names you.',
  })
  @ApiOkResponse({ type: OwnedItemEnvelope })
  async restore(
    @ItemId() id: number,
    @CurrentUser() actor: Principal,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<AnswerWithETag<OwnedItemEnvelope>> {
    return this.answer(await this.items.restore(id, actor, ifMatch));
  }

  private answer({ item, owner }: { item: StoredItem; owner: User }): AnswerWithETag<OwnedItemEnvelope> {
    return { body: OwnedItemEnvelope.from(item, owner), etag: this.tags.withOwner(item, owner) };
  }
}
