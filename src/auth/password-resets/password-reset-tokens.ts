import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import type { PasswordReset } from './password-reset.entity.js';
import { TokenSigner } from '../access/token-signer.js';

const TOKEN = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

export interface PasswordResetToken {
  readonly id: string;
  readonly mac: string;
}

/** `<id>.<signature of the id>`. The server can recreate the mail after a restart, and the table contains no token. */
@Injectable()
export class PasswordResetTokens {
  private readonly signer: TokenSigner;
  /** The key that signs new tokens. */
  readonly keyId: string;

  constructor(@Inject(ENV) private readonly env: Env) {
    this.signer = new TokenSigner(env.JWT_KEYS, 'password reset token');
    this.keyId = env.JWT_KEYS[0].id;
  }

  /** Returns the current key's id when `keyId` is no longer configured. */
  usableKeyId(keyId: string): string {
    return this.signer.hasKey(keyId) ? keyId : this.keyId;
  }

  newId(): string {
    return randomBytes(16).toString('base64url');
  }

  /**
   * Puts the token after the `#`, because browsers do not send that part and so no log contains it. Uses only
   * `PUBLIC_URL`, because a client can forge the `Host` header. Without `PUBLIC_URL` it returns a path.
   */
  linkTo({ id, keyId }: Pick<PasswordReset, 'id' | 'keyId'>): string {
    return `${this.env.PUBLIC_URL ?? ''}/dashboard/reset#token=${id}.${this.signer.sign(id, keyId)}`;
  }

  /** Splits the token without verifying it. Returns null for text that cannot be a token. */
  parseResetToken(text: string): PasswordResetToken | null {
    const [, id, mac] = TOKEN.exec(text) ?? [];
    return id === undefined ? null : { id, mac: mac! };
  }

  verifyResetToken({ id, mac }: PasswordResetToken, keyId: string): boolean {
    return this.signer.verify(mac, id, keyId);
  }
}
