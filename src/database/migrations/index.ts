import { CreateSchema1763856000000 } from './1763856000000-create-schema.js';
import { CreateSessions1795420800000 } from './1795420800000-create-sessions.js';

/** In the order in which they run. */
export const MIGRATIONS = [CreateSchema1763856000000, CreateSessions1795420800000];
