import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { compile } from '@fastify/proxy-addr';
import type { LoggerService } from '@nestjs/common';
import type { Env } from '../../config/env.js';
import { addressBucket } from './client-address.js';

/** Idle connections use memory too. */
const MAXIMUM_CONNECTIONS = 10_000;
const MINIMUM_CONNECTIONS = 10;
/** The database, Redis, other listeners and Node itself use these. */
const RESERVED_FILES = 100;

/**
 * Closes new connections before the process runs out of file descriptors, because the database needs some too.
 * A request can hold a second descriptor: a file that it sends, or a connection that it waits for.
 * One address gets a part of them only. A trusted proxy holds the connections of many clients, so it has no such limit.
 */
export function limitConnections(
  server: Server,
  env: Pick<Env, 'TRUST_PROXY' | 'MAX_CONNECTIONS_PER_ADDRESS'>,
  logger: LoggerService,
): void {
  const fromFiles = Math.floor((maximumOpenFiles() - RESERVED_FILES) / 2);
  const limit = Math.max(Math.min(MAXIMUM_CONNECTIONS, fromFiles), MINIMUM_CONNECTIONS);
  const limitPerAddress = env.MAX_CONNECTIONS_PER_ADDRESS || Infinity;
  const isProxy = compile([...env.TRUST_PROXY]);
  const byAddress = new Map<string, number>();
  const warned = new Set<string>();
  let open = 0;

  const refuse = (socket: Socket, kind: string, warning: string) => {
    socket.destroy();
    if (warned.has(kind)) return;
    warned.add(kind);
    logger.warn(warning);
  };

  server.on('connection', (socket: Socket) => {
    if (open >= limit) {
      return refuse(socket, 'all', `${open} connections are open; the server closes new ones (ulimit -n)`);
    }
    const { remoteAddress } = socket;
    const isCounted = remoteAddress !== undefined && !isProxy(remoteAddress, 0);
    const address = isCounted ? addressBucket(remoteAddress) : '';
    const ofAddress = byAddress.get(address) ?? 0;
    if (isCounted && ofAddress >= limitPerAddress) {
      const problem = `${address} has ${ofAddress} open connections; the server closes new ones of an address that has so many`;
      return refuse(socket, 'address', `${problem} (MAX_CONNECTIONS_PER_ADDRESS)`);
    }
    open++;
    byAddress.set(address, ofAddress + 1);
    socket.once('close', () => {
      open--;
      const left = byAddress.get(address)! - 1;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
    });
  });
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
