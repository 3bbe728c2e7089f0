import { ValidationFailedError } from '../../common/errors/common.errors.js';
import { canonicalEmail } from '../../users/canonical-email.js';
import { isCommonPassword } from './common-passwords.js';

export const PASSWORD_MINIMUM = 8;
export const PASSWORD_MAXIMUM = 256;
export const PASSWORD_RULE = `must be text of ${PASSWORD_MINIMUM} to ${PASSWORD_MAXIMUM} characters`;
export const GUESSABLE_RULE =
  'must not be one of the most common passwords, nor your e-mail address or the part of it before the @';

/** Counted in code points after NFC; never trimmed, every character is the user's. */
export function isAcceptablePassword(value: unknown): boolean {
  if (typeof value !== 'string' || !value.isWellFormed() || value.length > 4 * PASSWORD_MAXIMUM) return false;
  const length = [...value.normalize('NFC')].length;
  return length >= PASSWORD_MINIMUM && length <= PASSWORD_MAXIMUM;
}

/**
 * Whether it is what somebody would try first.
 *
 * @param email whose password it is to be, in its canonical form, where that is known
 */
export async function isGuessable(password: string, email?: string): Promise<boolean> {
  if (email !== undefined) {
    if (canonicalEmail(password) === email) return true;
    if (password.normalize('NFC').toLowerCase() === email.slice(0, email.lastIndexOf('@'))) return true;
  }
  return isCommonPassword(password);
}

/**
 * For where the user is known to the service only, and not to the body's class.
 *
 * @param field what the password is called in the body
 * @throws ValidationFailedError that names the field
 */
export async function refuseGuessable(field: string, password: string, email: string): Promise<void> {
  if (await isGuessable(password, email))
    throw new ValidationFailedError([{ field, message: GUESSABLE_RULE }]);
}
