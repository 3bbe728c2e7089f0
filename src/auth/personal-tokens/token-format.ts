import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX = 'wl_';
/** 30 digits to the base of 62 have 178 bits. */
const SECRET_LENGTH = 30;
/** 32 bits need 6 digits. */
const CHECKSUM_LENGTH = 6;

/** The pattern for secret scanners. The checksum then rules out text that only looks like a token. */
export const TOKEN_PATTERN = /^wl_[0-9A-Za-z]{36}$/;

function tokenChecksum(secret: string): string {
  let rest = crc32(secret);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = DIGITS[rest % DIGITS.length]! + digits;
    rest = Math.floor(rest / DIGITS.length);
  }
  return digits;
}

/** `wl_`, 30 random base-62 digits, and their CRC-32 in 6 more digits. GitHub's tokens have the same form. */
export function generateToken(): string {
  const secret = Array.from({ length: SECRET_LENGTH }, () => DIGITS[randomInt(DIGITS.length)]).join('');
  return `${PREFIX}${secret}${tokenChecksum(secret)}`;
}

/** Rejects mistyped and made-up tokens without a database query. */
export function isWellFormedToken(text: string): boolean {
  if (!TOKEN_PATTERN.test(text)) return false;
  const secret = text.slice(PREFIX.length, -CHECKSUM_LENGTH);
  return text.endsWith(tokenChecksum(secret));
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
