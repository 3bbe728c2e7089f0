import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { loadDatabaseUrl } from '../config/load-env.js';
import { finishRestore, ID_GAP } from '../database/finish-restore.js';
import { SCHEMA, SIGN_INS, TOKENS } from '../schema.js';
import { runCommand } from './run-command.js';

const usage = `Usage: node dist/after-restore.js [--keep-sessions] [--revoke-tokens]

Run this after you have restored a backup of DATABASE_URL's database and before a server starts.
It empties the cache, ends every session and password link, and leaves a gap in the ids.

  --keep-sessions   keep sessions and password links
  --revoke-tokens   also delete all personal tokens

You can run it again. docs/operations.md explains the steps.`;

async function afterRestore(args: string[]): Promise<string> {
  const { values } = parseArgs({
    args,
    options: {
      'keep-sessions': { type: 'boolean', default: false },
      'revoke-tokens': { type: 'boolean', default: false },
    },
  });
  const keepsSessions = values['keep-sessions'];
  const revokesTokens = values['revoke-tokens'];
  await finishRestore(loadDatabaseUrl(), SCHEMA, [
    ...(keepsSessions ? [] : SIGN_INS),
    ...(revokesTokens ? TOKENS : []),
  ]);
  return `Cache: empty. No answer from before the restore is served.
Sessions and password links: ${keepsSessions ? 'kept' : 'ended. Every user has to sign in again'}.
Personal tokens: ${revokesTokens ? 'revoked' : 'kept'}.
Ids: each table leaves out the next ${ID_GAP.toLocaleString('en')} ids.`;
}

await runCommand({ usage, failure: 'Nothing was changed' }, afterRestore);
