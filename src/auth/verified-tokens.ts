import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

const MAXIMUM_TOKENS = 10_000;

interface Verified {
  readonly userId: number;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/**
 * Tokens whose signature and claims have been checked: the same bytes under the same key give the same answer.
 * What can change is looked at every time: the expiry here, the user's standing in the database.
 */
@Injectable()
export class VerifiedTokens {
  private readonly tokens = new LRUCache<string, Verified>({ max: MAXIMUM_TOKENS });

  remember(token: string, userId: number, expiresAt: number): void {
    this.tokens.set(token, { userId, expiresAt });
  }

  /** The user of a token that is known to be good and has not expired. */
  userIdOf(token: string): number | undefined {
    const verified = this.tokens.get(token);
    return verified !== undefined && Date.now() < verified.expiresAt * 1000 ? verified.userId : undefined;
  }
}
