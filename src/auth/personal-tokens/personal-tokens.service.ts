import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Actor, AuditService } from '../../audit/audit.service.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { UsersService } from '../../users/users.service.js';
import type { PersonalToken } from './personal-token.entity.js';
import { TokenNotFoundError, TooManyTokensError } from './personal-tokens.errors.js';
import { type Granted, PersonalTokensRepository } from './personal-tokens.repository.js';
import type { Scope } from '../access/scopes.js';
import { hashOf, isWellFormed, newToken } from './token-format.js';

export type StoredToken = Omit<PersonalToken, 'user'>;

/**
 * So many are enough for anybody, and so many times can a person's limits be had: limits are counted by slot, and who
 * revokes a token and makes another has the same slot again.
 */
export const MAXIMUM_TOKENS = 20;

const DAY_MS = 86_400_000;
/** How old what the table says about the last use may be. A row per request would cost more than the request. */
const NOTE_AFTER_MS = 10_000;

export interface TokenFields {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: until it is revoked. */
  readonly expiresInDays: number | null;
}

interface Use {
  readonly at: Date;
  readonly address: string | null;
}

@Injectable()
export class PersonalTokensService implements OnApplicationShutdown {
  private readonly logger = new Logger('PersonalTokens');
  /** The last use of each token that the table does not tell yet. */
  private uses = new Map<number, Use>();
  private timer: NodeJS.Timeout | null = null;
  private noting: Promise<void> = Promise.resolve();

  constructor(
    private readonly tokens: PersonalTokensRepository,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /** What this token grants now, and to whom; null for one that is not known, has expired, or whose owner is disabled. */
  async findGranted(token: string): Promise<Granted | null> {
    if (!isWellFormed(token)) return null;
    const found = await this.tokens.findGranted(hashOf(token));
    if (found === null || found.user.disabled) return null;
    const { expiresAt } = found.grant;
    return expiresAt !== null && expiresAt <= new Date() ? null : found;
  }

  /** Remembers a use; the table learns of it a little later, in the background. */
  used(id: number, address: string | null): void {
    this.uses.set(id, { at: new Date(), address });
    this.timer ??= setTimeout(() => void this.noteUses(), NOTE_AFTER_MS).unref();
  }

  /** @throws TooManyTokensError */
  create(
    { name, scopes, expiresInDays }: TokenFields,
    owner: Actor & { readonly id: number },
  ): Promise<{ token: string; stored: StoredToken }> {
    return this.unitOfWork.write(async () => {
      // Two who take the last slot at once take turns.
      await this.users.lock(owner.id);
      const now = new Date();
      const taken = new Set<number>();
      for (const other of await this.tokens.findOf(owner.id)) {
        if (other.expiresAt !== null && other.expiresAt <= now) await this.tokens.delete(other);
        else taken.add(other.slot);
      }
      if (taken.size >= MAXIMUM_TOKENS) throw new TooManyTokensError(MAXIMUM_TOKENS);
      const slot = Array.from({ length: MAXIMUM_TOKENS }, (_, index) => index + 1).find(
        (n) => !taken.has(n),
      )!;
      const token = newToken();
      const row = {
        userId: owner.id,
        slot,
        name,
        hash: hashOf(token),
        scopes: [...scopes],
        createdAt: now,
        expiresAt: expiresInDays === null ? null : new Date(now.getTime() + expiresInDays * DAY_MS),
        lastUsedAt: null,
        lastAddress: null,
      };
      const stored = { ...row, id: await this.tokens.insert(row) };
      await this.audit.record({
        actor: owner,
        action: 'auth.token_created',
        resourceType: 'user',
        resourceId: owner.id,
        changes: {
          token_id: { from: null, to: stored.id },
          name: { from: null, to: name },
          scopes: { from: null, to: stored.scopes.join(' ') },
        },
      });
      return { token, stored };
    });
  }

  /** The newest first; with every use that this process knows of. */
  async list(userId: number): Promise<StoredToken[]> {
    await this.noteUses();
    return this.tokens.findOf(userId);
  }

  /** @throws TokenNotFoundError */
  revoke(id: number, owner: Actor & { readonly id: number }): Promise<void> {
    return this.unitOfWork.write(async () => {
      const token = (await this.tokens.findOf(owner.id)).find((candidate) => candidate.id === id);
      if (token === undefined || !(await this.tokens.delete(token))) throw new TokenNotFoundError();
      await this.audit.record({
        actor: owner,
        action: 'auth.token_revoked',
        resourceType: 'user',
        resourceId: owner.id,
        changes: { token_id: { from: id, to: null }, name: { from: token.name, to: null } },
      });
    });
  }

  /** Without a row in the audit log: belongs to a change that leaves one, and has locked the user. */
  revokeAll(userId: number): Promise<void> {
    return this.unitOfWork.write(async () => {
      for (const token of await this.tokens.findOf(userId)) await this.tokens.delete(token);
    });
  }

  /** Nest closes the database after this: what was imported first goes last. */
  async onApplicationShutdown(): Promise<void> {
    await this.noteUses();
  }

  private noteUses(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    // One round after the other; what is used during one is in the next.
    this.noting = this.noting.then(() => {
      const { uses } = this;
      this.uses = new Map();
      return this.note(uses);
    });
    return this.noting;
  }

  /** A use that could not be told is lost: it says when a token was last seen, and nothing depends on it. */
  private async note(uses: ReadonlyMap<number, Use>): Promise<void> {
    try {
      for (const [id, { at, address }] of uses) await this.tokens.noteUse(id, at, address);
    } catch (error) {
      this.logger.warn({ msg: 'the last uses of personal tokens could not be noted', err: error });
    }
  }
}
