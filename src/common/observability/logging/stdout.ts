import type { Writable } from 'node:stream';
import type { DestinationStream } from 'pino';
import { withTimeout } from '../../with-timeout.js';

/** Lines are written in batches, because one system call per line costs as much as routing the request. */
const BATCH_LENGTH = 3072;
const FLUSH_INTERVAL_MS = 1000;
/** The most that waits in memory when the reader of stdout has stopped reading. */
const MAXIMUM_WAITING = 1024 * 1024;

/**
 * A destination that never blocks, throws or grows: lines that stdout cannot take are dropped.
 * `pino.destination()` cannot do this, because its `flushSync` never gives up on a full disk.
 */
export function openStdout(stdout: Writable = process.stdout): DestinationStream {
  stdout.on('error', () => undefined);
  let batch = '';
  const flush = () => {
    if (batch !== '' && stdout.writableLength < MAXIMUM_WAITING) stdout.write(batch);
    batch = '';
  };
  setInterval(flush, FLUSH_INTERVAL_MS).unref();
  process.on('exit', flush);
  return {
    write: (line) => {
      batch += line;
      if (batch.length >= BATCH_LENGTH) flush();
    },
  };
}

/** Gives a slow reader of stdout one second, because the process drops the lines that still wait when it exits. */
export async function drainStdout(): Promise<void> {
  await withTimeout(() => new Promise<void>((resolve) => process.stdout.write('', () => resolve())));
}
