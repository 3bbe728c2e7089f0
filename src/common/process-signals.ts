import type { Logger } from 'pino';

/** An orchestrator sends the first, the keyboard the second. */
export const END_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Longer than an orderly end takes. A fault can keep it from finishing. */
const DEADLINE_MS = 12_000;

/**
 * While the server boots there is nothing to finish, so a signal ends the process at once.
 * Without a listener the first process of a container would ignore the signal.
 *
 * @returns call it when the server listens: from then on a signal only sets the deadline of the orderly end
 */
export function endAtOnceOnSignals(): () => void {
  const end = () => process.exit(0);
  for (const signal of END_SIGNALS) process.on(signal, end);
  return () => {
    for (const signal of END_SIGNALS) {
      process.off(signal, end);
      process.once(signal, () => setTimeout(() => process.exit(1), DEADLINE_MS).unref());
    }
  };
}

/**
 * After an uncaught error the process logs it, finishes the requests in flight and exits with code 1.
 * Node's default would cut every request and print all that the error carries (e-mail addresses and hashes).
 */
export function endOnUncaughtErrors(logger: Logger): void {
  let isEnding = false;
  process.on('uncaughtException', (thrown: unknown, origin) => {
    const err = thrown instanceof Error ? thrown : new Error('what was thrown is not an Error');
    logger.fatal({ origin, err }, 'an error that nobody caught: the process ends');
    if (isEnding) return;
    isEnding = true;
    // An exit listener has the last word on the code, whatever the orderly end says.
    process.on('exit', () => (process.exitCode = 1));
    process.emit('SIGTERM', 'SIGTERM');
  });
}
