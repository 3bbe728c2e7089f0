import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Actor, AuditService } from '../../audit/audit.service.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { UsersService } from '../../users/users.service.js';
import type { PersonalToken } from './personal-token.entity.js';
import { TokenNotFoundError, TooManyTokensError } from './personal-tokens.errors.js';
import { type TokenWithOwner, PersonalTokensRepository } from './personal-tokens.repository.js';
import type { Scope } from '../access/scopes.js';
import { hashToken, isWellFormedToken, generateToken } from './token-format.js';

export type StoredToken = Omit<PersonalToken, 'user'>;

/**
 * Also limits how many times a user gets the rate limits of a token. They are counted by slot, so a token that replaces
 * a revoked one does not start with fresh limits.
 */
export const MAXIMUM_TOKENS = 20;

const DAY_MS = 86_400_000;
/** Uses are written in batches, because an update per request would cost more than the request. */
const FLUSH_AFTER_MS = 10_000;

export interface TokenFields {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null for a token that is valid until it is revoked. */
  readonly expiresInDays: number | null;
}

interface TokenUse {
  readonly at: Date;
  readonly address: string | null;
}

@Injectable()
export class PersonalTokensService implements OnApplicationShutdown {
  private readonly logger = new Logger('PersonalTokens');
  /** The last use of each token that is not in the table yet. */
  private pendingUses = new Map<number, TokenUse>();
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> = Promise.resolve();

  constructor(
    private readonly tokens: PersonalTokensRepository,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /** Returns null for a token that is unknown or expired, or whose owner is disabled. */
  async findByToken(token: string): Promise<TokenWithOwner | null> {
    if (!isWellFormedToken(token)) return null;
    const found = await this.tokens.findWithOwnerByHash(hashToken(token));
    return found === null || found.user.disabled ? null : found;
  }

  /** Keeps the use in memory and writes it to the table later, in the background. */
  recordUse(id: number, address: string | null): void {
    this.pendingUses.set(id, { at: new Date(), address });
    this.timer ??= setTimeout(() => void this.flushUses(), FLUSH_AFTER_MS).unref();
  }

  /** @throws TooManyTokensError */
  createToken(
    { name, scopes, expiresInDays }: TokenFields,
    owner: Actor & { readonly id: number },
  ): Promise<{ token: string; stored: StoredToken }> {
    return this.unitOfWork.write(async () => {
      // The lock makes concurrent requests for the last slot wait for each other.
      await this.users.lock(owner.id);
      const now = await this.unitOfWork.now();
      const taken = new Set<number>();
      for (const other of await this.tokens.findByUser(owner.id)) {
        if (other.expiresAt !== null && other.expiresAt <= now) await this.tokens.delete(other);
        else taken.add(other.slot);
      }
      if (taken.size >= MAXIMUM_TOKENS) throw new TooManyTokensError(MAXIMUM_TOKENS);
      const slot = Array.from({ length: MAXIMUM_TOKENS }, (_, index) => index + 1).find(
        (n) => !taken.has(n),
      )!;
      const token = generateToken();
      const row = {
        userId: owner.id,
        slot,
        name,
        hash: hashToken(token),
        scopes: [...scopes],
        createdAt: now,
        expiresAt: expiresInDays === null ? null : new Date(now.getTime() + expiresInDays * DAY_MS),
        lastUsedAt: null,
        lastAddress: null,
      };
      const stored = { ...row, id: await this.tokens.insert(row) };
      await this.audit.recordAudit({
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

  /** Newest first, including the uses that this process has not written yet. */
  async listTokens(userId: number): Promise<StoredToken[]> {
    await this.flushUses();
    return this.tokens.findByUser(userId);
  }

  /** @throws TokenNotFoundError */
  revokeToken(id: number, owner: Actor & { readonly id: number }): Promise<void> {
    return this.unitOfWork.write(async () => {
      const token = (await this.tokens.findByUser(owner.id)).find((candidate) => candidate.id === id);
      if (token === undefined || !(await this.tokens.delete(token))) throw new TokenNotFoundError();
      await this.audit.recordAudit({
        actor: owner,
        action: 'auth.token_revoked',
        resourceType: 'user',
        resourceId: owner.id,
        changes: { token_id: { from: id, to: null }, name: { from: token.name, to: null } },
      });
    });
  }

  /** Writes no audit row. Call it inside the write of an audited change that has locked the user. */
  revokeAllTokens(userId: number): Promise<void> {
    return this.unitOfWork.write(async () => {
      for (const token of await this.tokens.findByUser(userId)) await this.tokens.delete(token);
    });
  }

  /** Runs before the database closes, because Nest shuts down imported modules last. */
  async onApplicationShutdown(): Promise<void> {
    await this.flushUses();
  }

  private flushUses(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    // Flushes run one after the other. Uses during a flush go into the next one.
    this.flushing = this.flushing.then(() => {
      const { pendingUses } = this;
      this.pendingUses = new Map();
      return this.writeUses(pendingUses);
    });
    return this.flushing;
  }

  /** A use is lost when the write fails. That is acceptable, because it is only information for the owner. */
  private async writeUses(uses: ReadonlyMap<number, TokenUse>): Promise<void> {
    try {
      for (const [id, { at, address }] of uses) await this.tokens.updateLastUse(id, at, address);
    } catch (error) {
      this.logger.warn({ msg: 'the last uses of personal tokens could not be saved', err: error });
    }
  }
}
