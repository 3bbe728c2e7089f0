import type { Writable } from 'node:stream';
import type { DestinationStream } from 'pino';
import { inTime } from '../../with-timeout.js';

/** A system call for each line would cost a request as much as its routing. */
const BATCH_LENGTH = 3072;
const FLUSH_INTERVAL_MS = 1000;
/** A reader of stdout that has stopped reading keeps no more than this waiting. */
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

/** Gives a slow reader a second to take what waits in stdout, because the process drops that when it exits. */
export async function drainStdout(): Promise<void> {
  await inTime(() => new Promise<void>((resolve) => process.stdout.write('', () => resolve())));
}
