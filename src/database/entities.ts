import { AuditLog } from '../audit/audit-log.entity.js';
import { PersonalToken } from '../auth/personal-tokens/personal-token.entity.js';
import { PasswordReset } from '../auth/password-resets/password-reset.entity.js';
import { Session } from '../auth/sessions/session.entity.js';
import { User } from '../users/user.entity.js';
import { WatchlistItem } from '../watchlists/items/item.entity.js';
import { CacheEpoch } from './cache-epoch.entity.js';

/** Listed one by one, so that what is in the database never depends on what happens to be imported. */
export const ENTITIES = [User, Session, PersonalToken, PasswordReset, WatchlistItem, AuditLog, CacheEpoch];

/** What says that somebody is signed in, or may become so by a link. A backup brings back what has ended since. */
export const SIGN_INS = [Session, PasswordReset];
/** What scripts sign in with. */
export const TOKENS = [PersonalToken];
