import { Injectable } from '@nestjs/common';
import type { ObjectLiteral } from 'typeorm';
import { RowCache } from '../../database/row-cache.js';
import { createBatchLoader } from '../../database/batch-loader.js';
import { fromRow } from '../../database/row-mapping.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { Standing } from '../../users/user.entity.js';
import { UsersService } from '../../users/users.service.js';
import { PersonalToken } from './personal-token.entity.js';

/** The fields that every request with the token needs. */
export type TokenGrant = Pick<PersonalToken, 'id' | 'userId' | 'slot' | 'scopes' | 'expiresAt'>;

export interface TokenWithOwner {
  readonly grant: TokenGrant;
  readonly user: Standing;
}

const GRANTS = `SELECT token.hash AS token_hash, token.id AS token_id, token.slot AS token_slot,
  token.scopes AS token_scopes, token.expires_at AS token_expires_at,
  owner.id, owner.email, owner.role, owner.disabled, owner.created_at
  FROM personal_tokens token JOIN users owner ON owner.id = token.user_id WHERE token.hash = ANY($1)
  AND (token.expires_at IS NULL OR token.expires_at > statement_timestamp())`;

@Injectable()
export class PersonalTokensRepository {
  /** By hash. */
  private readonly grants: RowCache<string, TokenGrant>;
  private readonly loadWithOwner = createBatchLoader<string, TokenWithOwner | null>((hashes) =>
    this.readWithOwners(hashes),
  );

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly users: UsersService,
  ) {
    this.grants = new RowCache<string, TokenGrant>(unitOfWork, (hash) => this.findByHash(hash));
  }

  /** Returns the token and its owner as committed now; null also after its end. Do not call it inside a write. */
  async findWithOwnerByHash(hash: string): Promise<TokenWithOwner | null> {
    if (this.unitOfWork.hasConcurrentWriters) return this.loadWithOwner(hash);
    const grant = await this.grants.get(hash);
    if (grant === null || (grant.expiresAt !== null && grant.expiresAt <= new Date())) return null;
    const user = await this.users.findStanding(grant.userId);
    return user === null ? null : { grant, user };
  }

  /** Newest first. */
  findByUser(userId: number): Promise<PersonalToken[]> {
    return this.unitOfWork.read((manager) =>
      manager.find(PersonalToken, { where: { userId }, order: { id: 'DESC' } }),
    );
  }

  insert(token: Omit<PersonalToken, 'id' | 'user'>): Promise<number> {
    return this.unitOfWork.write(async (manager) => {
      const { identifiers } = await manager.insert(PersonalToken, token);
      return (identifiers[0] as { id: number }).id;
    });
  }

  /** @returns false when the token was already deleted */
  delete({ id, hash }: Pick<PersonalToken, 'id' | 'hash'>): Promise<boolean> {
    return this.unitOfWork.write(async (manager) => {
      const { affected } = await manager.delete(PersonalToken, { id });
      this.grants.patch(hash, () => null);
      return affected === 1;
    });
  }

  /** Keeps the later use when two uses are written in the wrong order. */
  async updateLastUse(id: number, at: Date, address: string | null): Promise<void> {
    await this.unitOfWork.write(async (manager) => {
      await manager
        .createQueryBuilder()
        .update(PersonalToken)
        .set({ lastUsedAt: at, lastAddress: address })
        .where('id = :id AND (last_used_at IS NULL OR last_used_at < :at)', { id, at })
        .execute();
    });
  }

  private findByHash(hash: string): Promise<PersonalToken | null> {
    return this.unitOfWork.read((manager) => manager.findOneBy(PersonalToken, { hash }));
  }

  private readWithOwners(hashes: readonly string[]): Promise<(TokenWithOwner | null)[]> {
    return this.unitOfWork.read(async (manager) => {
      const rows = (await manager.query(GRANTS, [hashes])) as ObjectLiteral[];
      const found = new Map(
        rows.map((row) => {
          const user = fromRow<Standing>(manager, 'User', row);
          const grant = fromRow<PersonalToken>(manager, PersonalToken, {
            id: row['token_id'],
            user_id: row['id'],
            slot: row['token_slot'],
            scopes: row['token_scopes'],
            expires_at: row['token_expires_at'],
          });
          return [row['token_hash'] as string, { grant, user }];
        }),
      );
      return hashes.map((hash) => found.get(hash) ?? null);
    });
  }
}
