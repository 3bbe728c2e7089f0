import { type EntityTarget, getMetadataArgsStorage } from 'typeorm';
import { SIGN_INS, TOKENS } from '../../schema.js';

export interface RestoreOptions {
  /** A SQLite file that is there is set aside. */
  readonly replace: boolean;
  /** Otherwise everybody has to sign in again. What ended after the backup would be good again. */
  readonly keepSessions: boolean;
  /** The same, for scripts. */
  readonly revokeTokens: boolean;
}

/**
 * Ids that were given after the backup are in the hands of clients, and webhooks know events by them: they must not be
 * given a second time. Nobody knows how many there were.
 */
export const IDS_LEFT_OUT = 1_000_000;

export const tableOf = (entity: EntityTarget<object>) =>
  getMetadataArgsStorage().tables.find(({ target }) => target === entity)!.name!;

/** The tables that are not to bring back what they held. */
export function tablesToEmpty({ keepSessions, revokeTokens }: RestoreOptions): string[] {
  return [...(keepSessions ? [] : SIGN_INS), ...(revokeTokens ? TOKENS : [])].map(tableOf);
}
