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

/** `<id>.<code of it>` (token-signer.ts): the mail can be made again after a restart, and the table is of no use to a thief. */
@Injectable()
export class PasswordResetTokens {
  private readonly signer: TokenSigner;
  /** Names the key that new ones are made with. */
  readonly keyId: string;

  constructor(@Inject(ENV) private readonly env: Env) {
    this.signer = new TokenSigner(env.JWT_KEYS, 'password reset token');
    this.keyId = env.JWT_KEYS[0].id;
  }

  /** The name of this key; of today's when it is in use no longer. */
  usableKeyId(keyId: string): string {
    return this.signer.isInUse(keyId) ? keyId : this.keyId;
  }

  newId(): string {
    return randomBytes(16).toString('base64url');
  }

  /**
   * Where the password is set. Behind the `#`, which no browser sends to any server, so that it is in nobody's log. From
   * `PUBLIC_URL` only: a header that says where we are is the caller's word. Without it, the path.
   */
  linkTo({ id, keyId }: Pick<PasswordReset, 'id' | 'keyId'>): string {
    return `${this.env.PUBLIC_URL ?? ''}/dashboard/reset#token=${id}.${this.signer.sign(id, keyId)}`;
  }

  /** Its parts; whether it is genuine is another question. Null for what cannot be one. */
  parse(text: string): PasswordResetToken | null {
    const [, id, mac] = TOKEN.exec(text) ?? [];
    return id === undefined ? null : { id, mac: mac! };
  }

  isGenuine({ id, mac }: PasswordResetToken, keyId: string): boolean {
    return this.signer.verify(mac, id, keyId);
  }
}
