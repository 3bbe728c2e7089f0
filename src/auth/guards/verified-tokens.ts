import { Injectable } from '@nestjs/common';
import { lruCache } from '../../common/lru-cache.js';

const MAXIMUM_TOKENS = 10_000;

/** What a token says. */
export interface Verified {
  readonly userId: number;
  readonly sessionId: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/**
 * Tokens whose signature and claims have been checked, by the `Authorization` header as nearly all write it: the same
 * bytes under the same key give the same answer. What can change is looked at every time: the expiry here, session and
 * standing in the database.
 */
@Injectable()
export class VerifiedTokens {
  private readonly tokens = lruCache<string, Verified>(MAXIMUM_TOKENS);

  /** Once per token: there is no end of other spellings (`bearer`, more spaces), and each is checked each time. */
  remember(token: string, verified: Verified): void {
    this.tokens.set(`Bearer ${token}`, verified);
  }

  /** What is said by a token that is known to be good and has not expired. */
  find(authorization: string): Verified | undefined {
    const verified = this.tokens.get(authorization);
    return verified !== undefined && Date.now() < verified.expiresAt * 1000 ? verified : undefined;
  }
}
