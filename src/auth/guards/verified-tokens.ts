import { Injectable } from '@nestjs/common';
import { lruCache } from '../../common/lru-cache.js';

const MAXIMUM_TOKENS = 10_000;

export interface VerifiedToken {
  readonly userId: number;
  readonly sessionId: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/**
 * Remembers tokens whose signature and claims are valid, so that each is verified once. The guard checks expiry, session
 * and user at each request.
 */
@Injectable()
export class VerifiedTokens {
  private readonly tokens = lruCache<string, VerifiedToken>(MAXIMUM_TOKENS);

  /** Stores one spelling of the header per token, because a client can send endless others (`bearer`, more spaces). */
  remember(jwt: string, token: VerifiedToken): void {
    this.tokens.set(`Bearer ${jwt}`, token);
  }

  find(authorization = ''): VerifiedToken | undefined {
    const token = this.tokens.get(authorization);
    return token !== undefined && Date.now() < token.expiresAt * 1000 ? token : undefined;
  }
}
