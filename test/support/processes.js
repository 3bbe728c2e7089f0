import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Does nothing when the process has ended.
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
export function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/** Every process that has not ended. Debian's slim images have no `ps`, and macOS has no `/proc`. */
export function running() {
  const lines =
    process.platform === 'linux'
      ? readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name))
          .map(statusOf)
      : execFileSync('ps', ['-A', '-o', 'pid=', '-o', 'stat=', '-o', 'ppid='], { encoding: 'utf8' }).split(
          '\n',
        );
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([pid, state]) => pid && !state?.startsWith('Z'))
    .map(([pid, , parent]) => ({ pid: Number(pid), parent: Number(parent) }));
}

/**
 * `pid state parent`; empty for a process that has ended meanwhile.
 * @param {string} pid
 */
function statusOf(pid) {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return `${pid} ${state} ${parent}`;
  } catch {
    return '';
  }
}
