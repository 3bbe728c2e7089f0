import { InvalidEnvironmentError } from '../../config/env.js';

/** What Node was about when a port could not be had; `bind` in a worker. */
const LISTENING = new Set<string | undefined>(['listen', 'bind']);

/** @throws InvalidEnvironmentError that names the variable when its port is taken or is not ours to have */
export async function listenOn(variable: string, listen: () => Promise<unknown>): Promise<void> {
  try {
    await listen();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (!LISTENING.has(syscall)) throw error;
    throw new InvalidEnvironmentError([`${variable} (or HOST) cannot be listened on: ${code}`]);
  }
}
