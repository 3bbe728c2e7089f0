import { Injectable } from '@nestjs/common';
import { isUniqueViolation } from '../common/errors/unique-violation.js';
import type { Page } from '../common/pagination/page.query.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { Role } from './role.js';
import { UserCopies } from './user-copies.js';
import { User } from './user.entity.js';
import { EmailTakenError } from './users.errors.js';

export interface UserFilter {
  /** Substring of the e-mail, any case; `%` and `_` mean themselves. */
  readonly q?: string;
  readonly role?: Role;
  readonly skip: number;
  readonly limit: number;
}

@Injectable()
export class UsersRepository {
  /** Null where other processes write to the database too. */
  private readonly copies: UserCopies | null;

  constructor(private readonly unitOfWork: UnitOfWork) {
    this.copies = unitOfWork.hasConcurrentWriters ? null : new UserCopies();
  }

  /** As it stands at the moment of the call; for the read that every request begins with. */
  findCurrent(id: number): Promise<User | null> {
    return this.copies === null
      ? this.findById(id)
      : this.copies.get(id, (missing) => this.findById(missing));
  }

  findById(id: number): Promise<User | null> {
    return this.unitOfWork.read((manager) => manager.findOneBy(User, { id }));
  }

  findByEmail(email: string): Promise<User | null> {
    return this.unitOfWork.read((manager) => manager.findOneBy(User, { email }));
  }

  /** Holds the row until the transaction ends, where another transaction could otherwise change it meanwhile. */
  findByIdForUpdate(id: number): Promise<User | null> {
    return this.unitOfWork.write((manager) =>
      manager.findOne(User, {
        where: { id },
        ...(this.unitOfWork.hasConcurrentWriters && { lock: { mode: 'pessimistic_write' } }),
      }),
    );
  }

  /** Holds the rows of all active admins, always in the same order, so that two who decide by their number take turns. */
  lockActiveAdmins(): Promise<User[]> {
    return this.unitOfWork.write((manager) =>
      manager.find(User, {
        where: { role: 'admin', disabled: false },
        order: { id: 'ASC' },
        ...(this.unitOfWork.hasConcurrentWriters && { lock: { mode: 'pessimistic_write' } }),
      }),
    );
  }

  /** @throws EmailTakenError */
  async insert(user: Pick<User, 'email' | 'passwordHash' | 'role'>): Promise<User> {
    const row: Omit<User, 'id'> = { ...user, disabled: false, listVersion: 0, createdAt: new Date() };
    try {
      return await this.unitOfWork.write(async (manager) => {
        const { identifiers } = await manager.insert(User, row);
        return { ...row, id: identifiers[0]!['id'] as number };
      });
    } catch (error) {
      throw isUniqueViolation(error) ? new EmailTakenError() : error;
    }
  }

  async update(id: number, change: Partial<Pick<User, 'role' | 'disabled'>>): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager.update(User, { id }, change);
      this.changeCopy(id, (user) => ({ ...user, ...change }));
    });
  }

  /** The user's items go too. */
  async delete(id: number): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager.delete(User, { id });
      this.changeCopy(id, () => null);
    });
  }

  /** Replaces a hash unless it has been replaced meanwhile. */
  async replacePasswordHash(id: number, from: string, to: string): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      const { affected } = await manager.update(User, { id, passwordHash: from }, { passwordHash: to });
      if (affected === 1) this.changeCopy(id, (user) => ({ ...user, passwordHash: to }));
    });
  }

  /** @returns false when there is no such user */
  raiseListVersion(id: number): Promise<boolean> {
    return this.unitOfWork.write(async (manager) => {
      const { affected } = await manager.increment(User, { id }, 'listVersion', 1);
      this.changeCopy(id, (user) => ({ ...user, listVersion: user.listVersion + 1 }));
      return affected === 1;
    });
  }

  page({ q, role, skip, limit }: UserFilter): Promise<Page<User>> {
    return this.unitOfWork.read(async (manager) => {
      const query = manager
        .createQueryBuilder(User, 'user')
        .orderBy('user.id', 'ASC')
        .offset(skip)
        .limit(limit);
      if (q !== undefined) {
        const pattern = `%${q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
        query.andWhere(`user.email LIKE :pattern ESCAPE '\\'`, { pattern });
      }
      if (role !== undefined) query.andWhere('user.role = :role', { role });
      const [rows, total] = await query.getManyAndCount();
      return { rows, total };
    });
  }

  countAll(): Promise<{ total: number; admins: number; disabled: number }> {
    return this.unitOfWork.read(async (manager) => {
      const row = await manager
        .createQueryBuilder(User, 'user')
        .select('COUNT(*)', 'total')
        .addSelect(`COALESCE(SUM(CASE WHEN user.role = 'admin' THEN 1 ELSE 0 END), 0)`, 'admins')
        .addSelect('COALESCE(SUM(CASE WHEN user.disabled THEN 1 ELSE 0 END), 0)', 'disabled')
        .getRawOne<Record<'total' | 'admins' | 'disabled', string | number>>();
      return { total: Number(row!.total), admins: Number(row!.admins), disabled: Number(row!.disabled) };
    });
  }

  existsWithHashVersion(version: string): Promise<boolean> {
    return this.unitOfWork.read((manager) =>
      manager
        .createQueryBuilder(User, 'user')
        .where('user.passwordHash LIKE :prefix', { prefix: `${version}$%` })
        .getExists(),
    );
  }

  private changeCopy(id: number, apply: (user: Readonly<User>) => User | null): void {
    const { copies } = this;
    if (copies !== null) this.unitOfWork.afterCommit(() => copies.change(id, apply));
  }
}
