import { END_SIGNALS } from './common/process-signals.js';

/** What a command has to tell goes to stdout, why it failed to stderr, in one sentence, with exit code 1. */
export async function runCommand(command: (args: readonly string[]) => Promise<string>): Promise<void> {
  // So that what is to be done at the end of the process is done.
  for (const signal of END_SIGNALS) process.once(signal, () => process.exit(1));
  try {
    console.log(await command(process.argv.slice(2)));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
