export const PASSWORD_MINIMUM = 8;
export const PASSWORD_MAXIMUM = 256;
export const PASSWORD_RULE = `must be text of ${PASSWORD_MINIMUM} to ${PASSWORD_MAXIMUM} characters`;

/** Counted in code points after NFC; never trimmed, every character is the user's. */
export function isAcceptablePassword(value: unknown): boolean {
  if (typeof value !== 'string' || !value.isWellFormed() || value.length > 4 * PASSWORD_MAXIMUM) return false;
  const length = [...value.normalize('NFC')].length;
  return length >= PASSWORD_MINIMUM && length <= PASSWORD_MAXIMUM;
}
