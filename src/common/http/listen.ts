import { InvalidEnvironmentError } from '../../config/errors.js';

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
    if (syscall !== 'listen' && !isUnknownHost) throw error;
    throw new InvalidEnvironmentError([`${variable} (or HOST) cannot be listened on: ${code}`]);
  }
}
