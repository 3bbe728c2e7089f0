import 'reflect-metadata';
import { backup } from './database/backup/commands.js';
import { runCommand } from './run-command.js';

// `node dist/backup.js FILE`, while the server serves: docs/operations.md.
await runCommand(backup);
