import { Injectable } from '@nestjs/common';
import { UsersService } from '../users/users.service.js';
import type { Principal } from './principal.js';

@Injectable()
export class Principals {
  constructor(private readonly users: UsersService) {}

  /** Who that is now; null for a user who is gone or disabled. */
  async find(userId: number): Promise<Principal | null> {
    const user = await this.users.findActive(userId);
    if (user === null) return null;
    const { id, email, role, createdAt } = user;
    return { id, email, role, createdAt, listVersion: this.users.listVersionOf(user) };
  }
}
