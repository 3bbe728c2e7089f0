import { z } from 'zod';
import { checked, DATABASE_URL, type Env, parseEnv } from './env.js';
import { readEnvFile } from './env-file.js';

/** Variables that are already set win over `.env`. */
function loadEnvFile(): void {
  for (const [name, value] of Object.entries(readEnvFile())) process.env[name] ??= value;
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
