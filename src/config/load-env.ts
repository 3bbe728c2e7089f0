import { z } from 'zod';
import { checked, DATABASE_URL, type Env, parseEnv } from './env.js';
import { InvalidEnvironmentError } from './errors.js';

/** What is already set wins. */
function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      // Such as a folder: what Compose makes of a file that it is to mount and that is not there.
      throw new InvalidEnvironmentError(['.env cannot be read: it must be a file of NAME=value lines']);
    }
  }
}

/** Loads `.env` when present, then checks. The only reader of `process.env`. */
export function loadEnv(): Env {
  loadEnvFile();
  return parseEnv(process.env);
}

/**
 * As {@link loadEnv}, for a command that needs the database and nothing else: it neither makes a secret nor fails for
 * want of one.
 */
export function loadDatabaseUrl(): Env['DATABASE_URL'] {
  loadEnvFile();
  return checked(z.object({ DATABASE_URL }), process.env).DATABASE_URL;
}
