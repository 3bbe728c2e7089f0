import { CreateSchema1763856000000 } from './1763856000000-create-schema.js';
import { CreateSessions1795420800000 } from './1795420800000-create-sessions.js';
import { CreatePasswordResets1795478400000 } from './1795478400000-create-password-resets.js';
import { IndexSessionExpiry1795482000000 } from './1795482000000-index-session-expiry.js';
import { IndexTriedEmails1795482060000 } from './1795482060000-index-tried-emails.js';
import { CreatePersonalTokens1795514400000 } from './1795514400000-create-personal-tokens.js';
import { AddAuditTraceparent1795600800000 } from './1795600800000-add-audit-traceparent.js';

/** In the order in which they run. */
export const MIGRATIONS = [
  CreateSchema1763856000000,
  CreateSessions1795420800000,
  CreatePasswordResets1795478400000,
  IndexSessionExpiry1795482000000,
  IndexTriedEmails1795482060000,
  CreatePersonalTokens1795514400000,
  AddAuditTraceparent1795600800000,
];
