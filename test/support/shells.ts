import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Exit } from './server-process.js';

/** Interactive, without the user's settings and without a prompt: as these shells take what somebody pastes. */
const SHELLS = {
  bash: ['--norc', '--noprofile', '--noediting', '-i'],
  zsh: ['-f', '-i', '-s', '+o', 'prompt_sp', '+o', 'prompt_cr'],
} as const;

export type Shell = keyof typeof SHELLS;

/** bash, and zsh if it is installed. */
export function availableShells(): Shell[] {
  if (spawnSync('zsh', ['--version']).status === 0) return ['bash', 'zsh'];
  if (process.env['CI'] === 'true') {
    throw new Error('There is no zsh: install zsh (with CI=true this is a failure).');
  }
  console.warn('\n*** NO ZSH: the shell blocks of the documents are tried in bash only. Install zsh. ***\n');
  return ['bash'];
}

/** What bash prints without a terminal, whatever it runs. */
const NO_TERMINAL = /^bash: (?:cannot set terminal process group.*|no job control in this shell)\n|^exit\n/gm;

/** Pastes the text into an interactive shell. */
export async function paste(shell: Shell, text: string, cwd: string): Promise<Exit> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, PS1: '', PS2: '', TERM: 'dumb' };
  const child = spawn(shell, SHELLS[shell], { cwd, env, timeout: 25_000, killSignal: 'SIGKILL' });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  child.stdin.end(text);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr: stderr.replace(NO_TERMINAL, '') };
}

/** Of a text that the shell cannot read; undefined when it can. */
export function syntaxError(shell: Shell, text: string): string | undefined {
  const { status, stderr } = spawnSync(shell, ['-n'], { input: text, encoding: 'utf8' });
  return status === 0 ? undefined : stderr;
}
