import { Injectable } from '@nestjs/common';
import { isUniqueViolation } from '../database/errors.js';
import type { Page } from '../common/pagination/page.query.js';
import { RowCache } from '../database/row-cache.js';
import { insertRow } from '../database/row-mapping.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { Role } from './role.js';
import { type Standing, User } from './user.entity.js';
import { EmailTakenError } from './users.errors.js';

export interface UserFilter {
  /** Substring of the e-mail, any case; `%` and `_` mean themselves. */
  readonly q?: string;
  readonly role?: Role;
  readonly skip: number;
  readonly limit: number;
}

const COUNTED = ['total', 'admins', 'disabled'] as const;
const COUNTS = `SELECT COUNT(*) AS total,
  COALESCE(SUM(CASE WHEN role = 'admin' THEN 1 ELSE 0 END), 0) AS admins,
  COALESCE(SUM(CASE WHEN disabled THEN 1 ELSE 0 END), 0) AS disabled FROM users`;

@Injectable()
export class UsersRepository {
  private readonly standings: RowCache<number, Standing>;

  constructor(private readonly unitOfWork: UnitOfWork) {
    this.standings = new RowCache(unitOfWork, async (id) => standingOf(await this.findById(id)));
  }

  /** As committed at the moment of the call. Not within a write. */
  findStanding(id: number): Promise<Standing | null> {
    return this.standings.get(id);
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
        ...this.unitOfWork.forUpdate(),
      }),
    );
  }

  /** Holds the rows of all active admins, always in the same order, so that two who decide by their number take turns. */
  lockActiveAdmins(): Promise<User[]> {
    return this.unitOfWork.write((manager) =>
      manager.find(User, {
        where: { role: 'admin', disabled: false },
        order: { id: 'ASC' },
        ...this.unitOfWork.forUpdate(),
      }),
    );
  }

  /** @throws EmailTakenError */
  async insert(user: Pick<User, 'email' | 'passwordHash' | 'role'>): Promise<User> {
    const row: Omit<User, 'id'> = { ...user, disabled: false, createdAt: new Date() };
    try {
      return await this.unitOfWork.write(async (manager) => {
        return { ...row, id: await insertRow(manager, User, row) };
      });
    } catch (error) {
      throw isUniqueViolation(error) ? new EmailTakenError() : error;
    }
  }

  async update(id: number, change: Partial<Pick<User, 'role' | 'disabled'>>): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager.update(User, { id }, change);
      this.standings.patch(id, (user) => ({ ...user, ...change }));
    });
  }

  /** @throws EmailTakenError */
  async changeEmail(id: number, email: string): Promise<void> {
    try {
      await this.unitOfWork.write(async (manager) => {
        await manager.update(User, { id }, { email });
        this.standings.patch(id, (user) => ({ ...user, email }));
      });
    } catch (error) {
      throw isUniqueViolation(error) ? new EmailTakenError() : error;
    }
  }

  /** The user's items and sessions go too. */
  async delete(id: number): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager.delete(User, { id });
      this.standings.patch(id, () => null);
    });
  }

  /** Replaces a hash unless it has been replaced meanwhile. */
  async replacePasswordHash(id: number, from: string, to: string): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager.update(User, { id, passwordHash: from }, { passwordHash: to });
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

  countAll(): Promise<Record<(typeof COUNTED)[number], number>> {
    return this.unitOfWork.read(async (manager) => {
      const [row] = (await manager.query(COUNTS)) as [Record<string, string | number>];
      return Object.fromEntries(COUNTED.map((name) => [name, Number(row[name])])) as never;
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
}

/** Only the fields that every write keeps up to date in the cache. */
function standingOf(user: User | null): Standing | null {
  if (user === null) return null;
  const { id, email, role, disabled, createdAt } = user;
  return { id, email, role, disabled, createdAt };
}
