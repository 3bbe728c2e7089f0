import { AuditLog } from './audit/audit-log.entity.js';
import { PasswordReset } from './auth/password-resets/password-reset.entity.js';
import { PersonalToken } from './auth/personal-tokens/personal-token.entity.js';
import { Session } from './auth/sessions/session.entity.js';
import { CacheEpoch } from './database/cache-epoch.entity.js';
import { CreateSchema1763856000000 } from './database/migrations/1763856000000-create-schema.js';
import { CreateSessions1795420800000 } from './database/migrations/1795420800000-create-sessions.js';
import { CreatePasswordResets1795478400000 } from './database/migrations/1795478400000-create-password-resets.js';
import { IndexSessionExpiry1795482000000 } from './database/migrations/1795482000000-index-session-expiry.js';
import { IndexTriedEmails1795482060000 } from './database/migrations/1795482060000-index-tried-emails.js';
import { CreatePersonalTokens1795514400000 } from './database/migrations/1795514400000-create-personal-tokens.js';
import { AddAuditTraceparent1795600800000 } from './database/migrations/1795600800000-add-audit-traceparent.js';
import { CreateWatchlists1796076000000 } from './database/migrations/1796076000000-create-watchlists.js';
import { AddItemFields1796083200000 } from './database/migrations/1796083200000-add-item-fields.js';
import { PrepareLists1796086800000 } from './database/migrations/1796086800000-prepare-lists.js';
import type { Schema } from './database/data-source.js';
import { User } from './users/user.entity.js';
import { ExternalId } from './watchlists/items/external-id.entity.js';
import { WatchlistItem } from './watchlists/items/item.entity.js';
import { Watchlist } from './watchlists/lists/list.entity.js';

/** Listed one by one, so that the schema never depends on which files happen to be imported. */
export const ENTITIES = [
  User,
  Session,
  PersonalToken,
  PasswordReset,
  Watchlist,
  WatchlistItem,
  ExternalId,
  AuditLog,
  CacheEpoch,
];

/** In the order in which they run. */
export const MIGRATIONS = [
  CreateSchema1763856000000,
  CreateSessions1795420800000,
  CreatePasswordResets1795478400000,
  IndexSessionExpiry1795482000000,
  IndexTriedEmails1795482060000,
  CreatePersonalTokens1795514400000,
  AddAuditTraceparent1795600800000,
  CreateWatchlists1796076000000,
  AddItemFields1796083200000,
  PrepareLists1796086800000,
];

/** The tables and migrations. This is the only file that imports every feature; `database/` receives it. */
export const SCHEMA: Schema = { entities: ENTITIES, migrations: MIGRATIONS };

/** Tables that sign a person in, now or through a link. A backup would revive rows that have been deleted since. */
export const SIGN_INS = [Session, PasswordReset];
/** Tables that sign a script in. */
export const TOKENS = [PersonalToken];
