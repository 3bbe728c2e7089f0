import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '../..');
const SPECTRAL = require.resolve('@stoplight/spectral-cli/dist/index.js');

interface Result {
  readonly code: string;
  readonly message: string;
  readonly path: string[];
}

// It takes some seconds, and more while other suites keep the machine busy.
jest.setTimeout(120_000);

/** In a process of its own, as from a shell; hints count too. */
async function lint(file: string): Promise<string[]> {
  const args = [
    'lint',
    file,
    '--ruleset',
    '.spectral.yaml',
    '--fail-severity',
    'hint',
    '--format',
    'json',
    '-q',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [SPECTRAL, ...args], { cwd: ROOT }).catch(
    // It exits with 1 when it has found something, and with 2 when it could not look.
    (failure: { code: number; stdout: string }) => {
      if (failure.code === 1) return failure;
      throw failure;
    },
  );
  return (JSON.parse(stdout) as Result[]).map(
    ({ code, message, path }) => `${code}: ${message} (${path.join('.')})`,
  );
}

describe("openapi.json under Spectral's rules and OWASP's", () => {
  it('breaks none, not even a hint', async () => {
    expect(await lint('openapi.json')).toEqual([]);
  });

  it('finds what is made worse on purpose', async () => {
    const document = JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8')) as {
      paths: Record<string, Record<string, object>>;
    };
    Object.assign(document.paths['/v1/watchlists/items']!['post']!, { description: '', security: [] });
    const folder = mkdtempSync(join(tmpdir(), 'watchlist-spectral-'));
    try {
      const file = join(folder, 'openapi.json');
      writeFileSync(file, JSON.stringify(document));
      expect(await lint(file)).toEqual([
        expect.stringMatching(/^operation-description: .*items\.post/),
        expect.stringMatching(/^owasp:api2:2023-write-restricted: .*items\.post/),
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
