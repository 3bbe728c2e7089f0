import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { LoggerService } from '@nestjs/common';

/** Idle connections use memory too. */
const MAXIMUM_CONNECTIONS = 10_000;
const MINIMUM_CONNECTIONS = 10;
/** The database, Redis, other listeners and Node itself use these. */
const RESERVED_FILES = 100;

/**
 * Closes new connections before the process runs out of file descriptors, because the database needs some too.
 * A request can hold a second descriptor: a file that it sends, or a connection that it waits for.
 */
export function limitConnections(server: Server, logger: LoggerService): void {
  const limit = Math.min(MAXIMUM_CONNECTIONS, Math.floor((maximumOpenFiles() - RESERVED_FILES) / 2));
  server.maxConnections = Math.max(limit, MINIMUM_CONNECTIONS);
  server.once('drop', () =>
    logger.warn(`${server.maxConnections} connections are open; the server closes new ones (ulimit -n)`),
  );
}

/** `ulimit -n` of this process on Linux. Unknown on other systems. */
function maximumOpenFiles(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
