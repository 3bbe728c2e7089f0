import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit.service.js';
import { PasswordResetsService } from '../../auth/password-resets/password-resets.service.js';
import type { Page } from '../../common/pagination/page.query.js';
import type { SessionPrincipal } from '../../auth/access/principal.js';
import { SessionRecheck } from '../../auth/sessions/session-recheck.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { SessionsService } from '../../auth/sessions/sessions.service.js';
import type { User } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import { ListsService } from '../../watchlists/lists/lists.service.js';
import {
  type CountedResetLink,
  type CountedUser,
  InviteUserDto,
  UpdateUserDto,
  UsersQuery,
} from './admin-users.dto.js';

/** Users with the number of their items, and what an admin can do to their accounts. */
@Injectable()
export class AdminUsersService {
  constructor(
    private readonly users: UsersService,
    private readonly lists: ListsService,
    private readonly sessions: SessionsService,
    private readonly passwordResets: PasswordResetsService,
    private readonly recheck: SessionRecheck,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async page(query: UsersQuery): Promise<Page<CountedUser>> {
    const { rows, total } = await this.users.page(query);
    return { rows: await this.withItemCounts(rows), total };
  }

  /**
   * @throws UserNotFoundError
   * @throws LastAdminError
   */
  async updateUser(id: number, change: UpdateUserDto, actor: Actor): Promise<CountedUser> {
    const updated = await this.unitOfWork.write(async () => {
      const user = await this.users.changeStanding(id, change, actor);
      // An account that is enabled again signs in again, with its old password.
      if (user.disabled) {
        await this.sessions.endAllSessions(id);
        await this.passwordResets.revokeLinks({ of: user, createdBy: id });
      } else if (user.role !== 'admin') await this.passwordResets.revokeLinks({ createdBy: id });
      return user;
    });
    return this.withItemCount(updated);
  }

  /**
   * @throws EmailTakenError
   * @throws OverloadedError
   */
  async inviteUser(
    { email, role = 'user' }: InviteUserDto,
    actor: SessionPrincipal,
  ): Promise<CountedResetLink> {
    const confirm = () => this.recheck.assertActiveAdmin(actor);
    const link = await this.passwordResets.invite(email, role, actor, confirm);
    return { ...link, user: await this.withItemCount(link.user) };
  }

  /** @throws UserNotFoundError */
  async createPasswordReset(id: number, actor: SessionPrincipal): Promise<CountedResetLink> {
    const link = await this.unitOfWork.write(async () => {
      await this.recheck.assertActiveAdmin(actor);
      return this.passwordResets.createLink(id, actor);
    });
    return { ...link, user: await this.withItemCount(link.user) };
  }

  private async withItemCount(user: User): Promise<CountedUser> {
    const [counted] = await this.withItemCounts([user]);
    return counted!;
  }

  private async withItemCounts(users: readonly User[]): Promise<CountedUser[]> {
    const counts = await this.lists.countItems(users.map(({ id }) => id));
    return users.map((user) => ({ ...user, itemCount: counts.get(user.id)! }));
  }
}
