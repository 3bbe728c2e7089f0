const STEP_SECONDS = 10;

const oneSecond = () => new Promise((resolve) => setTimeout(resolve, 1000));

/**
 * Waits, and says for how much longer: on a terminal in one line that changes and goes away, into a file or a pipe in a
 * line every ten seconds.
 *
 * @param {number} seconds
 * @param {string} why
 * @param {Pick<NodeJS.WriteStream, 'isTTY' | 'write'>} out
 */
export async function countdown(seconds, why, out = process.stdout) {
  for (let left = seconds; left > 0; left--) {
    if (out.isTTY) out.write(`\r\x1b[K${why}: ${left} s to wait`);
    else if ((seconds - left) % STEP_SECONDS === 0) out.write(`${why}: ${left} s to wait\n`);
    await oneSecond();
  }
  if (out.isTTY) out.write('\r\x1b[K');
}
