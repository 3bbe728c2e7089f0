import type { Logger } from 'pino';

/** What is asked of us politely: by an orchestrator, and from the keyboard. */
export const END_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Longer than an orderly end takes. What is broken may keep it from coming to one. */
const DEADLINE_MS = 12_000;

/**
 * While the server boots there is nothing to finish: a signal ends the process at once. Without a listener the first
 * process of a container would not even hear it.
 *
 * @returns a function that gives the signals back, for whoever finishes what is in flight
 */
export function endAtOnceOnSignals(): () => void {
  const end = () => process.exit(0);
  for (const signal of END_SIGNALS) process.on(signal, end);
  return () => {
    for (const signal of END_SIGNALS) process.off(signal, end);
  };
}

/**
 * After an error that nobody caught, nobody knows what state the process is in: it says so, finishes what is in flight
 * and ends as on SIGTERM, but with exit code 1, so that whoever watches over it starts another. Left to itself, Node
 * would cut every request and print the error with all that it carries (a query's has e-mail addresses and hashes).
 */
export function endOnUncaughtErrors(logger: Logger): void {
  let isEnding = false;
  process.on('uncaughtException', (thrown: unknown, origin) => {
    const err = thrown instanceof Error ? thrown : new Error('what was thrown is not an Error');
    logger.fatal({ origin, err }, 'an error that nobody caught: the process ends');
    if (isEnding) return;
    isEnding = true;
    // Whatever code the orderly end would have: an exit listener has the last word.
    process.on('exit', () => (process.exitCode = 1));
    setTimeout(() => process.exit(), DEADLINE_MS);
    process.emit('SIGTERM', 'SIGTERM');
  });
}
