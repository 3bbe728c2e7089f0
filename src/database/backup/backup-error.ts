import { InvalidEnvironmentError } from '../../config/env.js';

/** Its message is all that whoever runs the command needs to know. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** What went wrong, in a few words. What else an error carries (a statement's parameters) is not for a terminal. */
export function reasonOf(error: unknown): string {
  if (error instanceof InvalidEnvironmentError) return error.problems.join('; ');
  const { message, code } = error as Error & { code?: string };
  // Node has no message for an address that was tried in vain under several numbers.
  return message || String(code);
}
