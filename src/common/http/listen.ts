import { InvalidEnvironmentError } from '../../config/env.js';

/** What Node was about when a port could not be had; `bind` in a worker. */
const LISTENING = new Set<string | undefined>(['listen', 'bind']);

/** @throws InvalidEnvironmentError that names the variable when its port or HOST is taken, not ours to have or not known */
export async function listenOn(
  variable: string,
  host: string,
  listen: () => Promise<unknown>,
): Promise<void> {
  try {
    await listen();
  } catch (error) {
    const { code, syscall, hostname } = error as NodeJS.ErrnoException & { hostname?: string };
    const isUnknownHost = syscall === 'getaddrinfo' && hostname === host;
    if (!LISTENING.has(syscall) && !isUnknownHost) throw error;
    throw new InvalidEnvironmentError([`${variable} (or HOST) cannot be listened on: ${code}`]);
  }
}
