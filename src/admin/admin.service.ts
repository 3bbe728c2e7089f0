import { Injectable } from '@nestjs/common';
import { type Actor, AuditService } from '../audit/audit.service.js';
import type { AuditLog } from '../audit/audit-log.entity.js';
import { PasswordResetsService, type ResetLink } from '../auth/password-resets/password-resets.service.js';
import { confirmMatch } from '../common/http/etag/etag.js';
import type { Page } from '../common/pagination/page.query.js';
import type { SignedIn } from '../auth/access/principal.js';
import { StillSignedIn } from '../auth/sessions/session-recheck.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { SessionsService } from '../auth/sessions/sessions.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import {
  type ItemFields,
  type ItemTerms,
  type StoredItem,
  WatchlistsService,
} from '../watchlists/items/items.service.js';
import { InviteUserDto, UpdateUserDto, UsersQuery } from './dto/admin-users.dto.js';
import { AdminCreateItemDto, AdminListQuery, OwnedItemEnvelope } from './dto/admin-watchlists.dto.js';
import { AuditLogsQuery } from './dto/audit-logs.dto.js';
import { StatsResponse } from './dto/stats.response.js';

interface OwnedItem {
  readonly item: StoredItem;
  readonly owner: User;
}

/** What an admin may do that its owner may not; the rules themselves are the features'. */
@Injectable()
export class AdminService {
  constructor(
    private readonly users: UsersService,
    private readonly watchlists: WatchlistsService,
    private readonly audit: AuditService,
    private readonly sessions: SessionsService,
    private readonly passwordResets: PasswordResetsService,
    private readonly stillSignedIn: StillSignedIn,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async stats(): Promise<StatsResponse> {
    return StatsResponse.from(await this.users.countAll());
  }

  pageOfUsers(query: UsersQuery): Promise<Page<User>> {
    return this.users.page(query);
  }

  /**
   * @throws UserNotFoundError
   * @throws LastAdminError
   */
  updateUser(id: number, change: UpdateUserDto, actor: Actor): Promise<User> {
    return this.unitOfWork.write(async () => {
      const user = await this.users.changeStanding(id, change, actor);
      // Who is let in again signs in again, with the password that they have.
      if (user.disabled) {
        await this.sessions.endAll(id);
        await this.passwordResets.deleteOf(user);
      }
      if (user.disabled || user.role !== 'admin') await this.passwordResets.deleteMadeBy(id);
      return user;
    });
  }

  /**
   * @throws EmailTakenError
   * @throws OverloadedError
   */
  inviteUser({ email, role = 'user' }: InviteUserDto, actor: SignedIn): Promise<ResetLink> {
    return this.passwordResets.invite(email, role, actor, () => this.stillSignedIn.confirmAdmin(actor));
  }

  /** @throws UserNotFoundError */
  createPasswordReset(id: number, actor: SignedIn): Promise<ResetLink> {
    return this.unitOfWork.write(async () => {
      await this.stillSignedIn.confirmAdmin(actor);
      return this.passwordResets.createLink(id, actor);
    });
  }

  pageOfItems({ user_id, skip, limit, sort, type }: AdminListQuery) {
    return this.watchlists.pageWithOwners({ skip, limit, sort, type, ownerId: user_id });
  }

  /** @throws ItemNotFoundError */
  async getItem(id: number): Promise<OwnedItem> {
    return this.withOwner(await this.watchlists.get(id));
  }

  /** @throws UserNotFoundError */
  async addItem({ user_id, title, type }: AdminCreateItemDto, actor: Actor): Promise<OwnedItem> {
    return this.withOwner(await this.watchlists.add(user_id, { title, type }, actor));
  }

  /**
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  async updateItem(
    id: number,
    fields: Partial<ItemFields>,
    actor: Actor,
    ifMatch: string | undefined,
  ): Promise<OwnedItem> {
    return this.withOwner(await this.watchlists.update(id, fields, actor, this.termsOf(ifMatch)));
  }

  /**
   * @throws ItemNotFoundError
   * @throws PreconditionFailedError
   */
  deleteItem(id: number, actor: Actor, ifMatch: string | undefined): Promise<void> {
    return this.watchlists.delete(id, actor, this.termsOf(ifMatch));
  }

  pageOfAuditLogs(query: AuditLogsQuery): Promise<Page<AuditLog>> {
    const { skip, limit, actor_id, action, resource_type, resource_id, from, to } = query;
    return this.audit.page({
      skip,
      limit,
      actorId: actor_id,
      action,
      resourceType: resource_type,
      resourceId: resource_id,
      from,
      to,
    });
  }

  /** An admin's answer shows the owner too, and its tag is that of the whole: another than the owner's own. */
  private termsOf(ifMatch: string | undefined): ItemTerms {
    if (ifMatch === undefined) return {};
    return {
      precondition: async (stored) => {
        const { item, owner } = await this.withOwner(stored);
        confirmMatch(ifMatch, OwnedItemEnvelope.from(item, owner));
      },
    };
  }

  private async withOwner(item: StoredItem): Promise<OwnedItem> {
    return { item, owner: await this.users.get(item.userId) };
  }
}
