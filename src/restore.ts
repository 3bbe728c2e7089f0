import 'reflect-metadata';
import { restore } from './database/backup/commands.js';
import { runCommand } from './run-command.js';

// `node dist/restore.js FILE`, while no server runs: docs/operations.md.
await runCommand(restore);
