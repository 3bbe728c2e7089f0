import { CreateSchema1763856000000 } from './1763856000000-create-schema.js';
import { CreateSessions1795420800000 } from './1795420800000-create-sessions.js';
import { CreatePasswordResets1795478400000 } from './1795478400000-create-password-resets.js';
import { CreatePersonalTokens1795514400000 } from './1795514400000-create-personal-tokens.js';

/** In the order in which they run. */
export const MIGRATIONS = [
  CreateSchema1763856000000,
  CreateSessions1795420800000,
  CreatePasswordResets1795478400000,
  CreatePersonalTokens1795514400000,
];
