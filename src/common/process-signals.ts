import type { Logger } from 'pino';

/** An orchestrator sends SIGTERM; Ctrl+C sends SIGINT. */
export const END_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Longer than a graceful shutdown takes. The process exits even if a fault blocks the shutdown. */
const DEADLINE_MS = 12_000;

/**
 * While the server boots there is nothing to finish, so a signal ends the process at once.
 * Without a listener the first process of a container would ignore the signal.
 *
 * @returns a function to call when the server listens; after that a signal only starts the deadline of the shutdown
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
 * Node's default would cut every request and print all properties of the error (e-mail addresses and hashes).
 */
export function endOnUncaughtErrors(logger: Logger): void {
  let isEnding = false;
  process.on('uncaughtException', (thrown: unknown, origin) => {
    const err = thrown instanceof Error ? thrown : new Error('the thrown value is not an Error');
    logger.fatal({ origin, err }, 'uncaught error: the process ends');
    if (isEnding) return;
    isEnding = true;
    // An exit listener sets the final code, after the graceful shutdown has set 0.
    process.on('exit', () => (process.exitCode = 1));
    process.emit('SIGTERM', 'SIGTERM');
  });
}
