import { z } from 'zod';
import { checked, DATABASE_URL, type Env, parseEnv } from './env.js';
import { InvalidEnvironmentError } from './errors.js';

/** Variables that are already set win over `.env`. */
function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      // Compose creates a folder in place of a file that it should mount and cannot find.
      throw new InvalidEnvironmentError(['.env cannot be read: it must be a file of NAME=value lines']);
    }
  }
}

/** Loads `.env` if it exists and checks every variable. Nothing else reads `process.env`. */
export function loadEnv(): Env {
  loadEnvFile();
  return parseEnv(process.env);
}

/** For a command that needs only the database. Unlike {@link loadEnv}, it neither creates a secret nor requires one. */
export function loadDatabaseUrl(): Env['DATABASE_URL'] {
  loadEnvFile();
  return checked(z.object({ DATABASE_URL }), process.env).DATABASE_URL;
}
