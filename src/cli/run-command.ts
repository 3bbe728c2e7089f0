import { InvalidEnvironmentError } from '../config/errors.js';

/** Prints what the command did, or one line that begins with `failure`. Then the exit code is 1. */
export async function runCommand(
  { usage, failure }: { usage: string; failure: string },
  command: (args: string[]) => Promise<string>,
): Promise<void> {
  const args = process.argv.slice(2);
  try {
    console.log(args.includes('--help') ? usage : await command(args));
  } catch (error) {
    console.error(`${failure}: ${reasonOf(error as Error & { code?: string })}`);
    process.exitCode = 1;
  }
}

function reasonOf(error: Error & { code?: string }): string {
  if (error instanceof InvalidEnvironmentError) return error.problems.join('; ');
  // Node's error has only a code when a host name has several addresses and none of them answers.
  return error.message || String(error.code);
}
