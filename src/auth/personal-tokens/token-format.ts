import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX = 'wl_';
/** Of 62 digits: 178 bits. */
const SECRET_LENGTH = 30;
/** As many digits as 32 bits need. */
const CHECKSUM_LENGTH = 6;

/** What a secret scanner looks for; the checksum then tells a token from what only looks like one. */
export const TOKEN_TEXT = /^wl_[0-9A-Za-z]{36}$/;

function checksumOf(secret: string): string {
  let rest = crc32(secret);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = DIGITS[rest % DIGITS.length]! + digits;
    rest = Math.floor(rest / DIGITS.length);
  }
  return digits;
}

/** `wl_`, 30 random digits to the base of 62, and their CRC-32 in 6 more: the form of GitHub's tokens. */
export function newToken(): string {
  const secret = Array.from({ length: SECRET_LENGTH }, () => DIGITS[randomInt(DIGITS.length)]).join('');
  return `${PREFIX}${secret}${checksumOf(secret)}`;
}

/** Whether this can be a token of ours at all: mistyped and made-up ones are told without a look at the database. */
export function isWellFormed(text: string): boolean {
  if (!TOKEN_TEXT.test(text)) return false;
  const secret = text.slice(PREFIX.length, -CHECKSUM_LENGTH);
  return text.endsWith(checksumOf(secret));
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
