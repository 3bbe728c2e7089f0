import { spawnSync } from 'node:child_process';

/** Whether the tests can start Caddy, as ops/Caddyfile sets it up. */
export function hasCaddy() {
  const available = spawnSync('caddy', ['version']).status === 0;
  if (!available && process.env.CI === 'true') {
    throw new Error('There is no Caddy: install caddy (with CI=true this is a failure).');
  }
  if (!available) {
    console.warn('\n*** NO CADDY: the tests of ops/Caddyfile are SKIPPED. Install caddy. ***\n');
  }
  return available;
}
