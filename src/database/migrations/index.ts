import { CreateSchema1763856000000 } from './1763856000000-create-schema.js';

/** In the order in which they run. */
export const MIGRATIONS = [CreateSchema1763856000000];
