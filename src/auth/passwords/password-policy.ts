import { ValidationFailedError } from '../../common/errors/common.errors.js';
import { canonicalEmail } from '../../users/canonical-email.js';

export const PASSWORD_MINIMUM = 8;
export const PASSWORD_MAXIMUM = 256;
export const PASSWORD_RULE = `must be text of ${PASSWORD_MINIMUM} to ${PASSWORD_MAXIMUM} characters`;
export const GUESSABLE_RULE =
  'must not be one of the most common passwords, nor your e-mail address or the part of it before the @';

/** Counts code points after NFC. Does not trim, because every character belongs to the password. */
export function isAcceptablePassword(value: unknown): boolean {
  if (typeof value !== 'string' || !value.isWellFormed() || value.length > 4 * PASSWORD_MAXIMUM) return false;
  const length = [...value.normalize('NFC')].length;
  return length >= PASSWORD_MINIMUM && length <= PASSWORD_MAXIMUM;
}

/**
 * True for a password that an attacker would try first.
 *
 * @param email the account's canonical address, if it is known
 */
export async function isGuessable(password: string, email?: string): Promise<boolean> {
  if (email !== undefined) {
    if (canonicalEmail(password) === email) return true;
    if (normalize(password) === email.slice(0, email.lastIndexOf('@'))) return true;
  }
  return isCommonPassword(password);
}

/**
 * For services that know the user when the body does not contain the e-mail address.
 *
 * @param field the name of the password in the body
 * @throws ValidationFailedError that names the field
 */
export async function refuseGuessable(field: string, password: string, email: string): Promise<void> {
  if (await isGuessable(password, email))
    throw new ValidationFailedError([{ field, message: GUESSABLE_RULE }]);
}

let commonPasswords: Promise<ReadonlySet<string>> | undefined;

/** Capitals and other spellings of é make a common password no safer. */
const normalize = (text: string) => text.normalize('NFC').toLowerCase();

/** Loads the list of the most common passwords at the first call, because it has tens of thousands of entries. */
async function isCommonPassword(password: string): Promise<boolean> {
  commonPasswords ??= loadCommonPasswords();
  return (await commonPasswords).has(normalize(password));
}

async function loadCommonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  const passwords = dictionary['passwords-common'].map(normalize);
  // Shorter passwords are refused because of their length.
  return new Set(passwords.filter((password) => [...password].length >= PASSWORD_MINIMUM));
}
