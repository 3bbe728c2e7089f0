import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, createServer, isIP, type Server as Listener } from 'node:net';
import { InvalidEnvironmentError } from '../../config/errors.js';

/** The listeners of a server beyond its own. */
const otherListeners = new WeakMap<Server, Listener[]>();

/**
 * Listens on every address of the host, because `localhost` has two. All connections go to the one server, so that its
 * handlers, limits and timeouts apply to all of them.
 *
 * @throws InvalidEnvironmentError that names the variable when its port or HOST is taken, not ours to have or not known
 */
export async function listenOn(
  variable: string,
  host: string,
  server: Server,
  listen: (address: string) => Promise<unknown>,
): Promise<void> {
  try {
    const [first, ...others] = await addressesOf(host);
    await listen(first!);
    const { port } = server.address() as AddressInfo;
    const listeners = await Promise.all(others.map((address) => listenToo(server, address, port)));
    otherListeners.set(
      server,
      listeners.filter((listener) => listener.listening),
    );
  } catch (error) {
    const { code, syscall, hostname } = error as NodeJS.ErrnoException & { hostname?: string };
    const isUnknownHost = syscall === 'getaddrinfo' && hostname === host;
    if (syscall !== 'listen' && !isUnknownHost) throw error;
    throw new InvalidEnvironmentError([`${variable} (or HOST) cannot be listened on: ${code}`]);
  }
}

/** Stops listening, and resolves when the connections that came this way have ended. */
export async function closeOtherListeners(server: Server): Promise<void> {
  const listeners = otherListeners.get(server) ?? [];
  await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
}

/** IPv4 first, because a machine can know the name `localhost` for `::1` and have no IPv6. */
async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host)) return [host];
  const found = await lookup(host, { all: true });
  return [...new Set(found.sort((a, b) => a.family - b.family).map(({ address }) => address))];
}

async function listenToo(server: Server, host: string, port: number): Promise<Listener> {
  // The options with which Node creates an HTTP server.
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    server.emit('connection', socket),
  );
  listener.maxConnections = server.maxConnections;
  server.once('close', () => listener.close());
  try {
    await once(listener.listen(port, host), 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error;
  }
  return listener;
}
