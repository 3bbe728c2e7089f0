import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const SCRIPT = join(__dirname, '../../ops/build-if-needed.mjs');

describe('ops/build-if-needed.mjs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-build-'));
    for (const file of ['src/main.ts', 'src/http/server.ts', 'dashboard/src/app.tsx', 'dashboard/index.html'])
      write(file, 1);
    write('package.json', 1, JSON.stringify({ scripts: { build: 'node build.cjs' } }));
    write('build.cjs', 1, "require('fs').writeFileSync('was-built', '')");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** @param second when the file was last changed */
  function write(file: string, second: number, text = ''): void {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    utimesSync(path, second, second);
  }

  function builds(): boolean {
    const { status } = spawnSync(process.execPath, [SCRIPT], { cwd: folder });
    expect(status).toBe(0);
    return existsSync(join(folder, 'was-built'));
  }

  it('builds what is not built', () => {
    expect(builds()).toBe(true);
  });

  it('does nothing when all is built', () => {
    write('dist/main.js', 2);
    write('dashboard/dist/index.html', 2);
    expect(builds()).toBe(false);
  });

  it.each(['src/http/server.ts', 'src/new.ts', 'dashboard/src/app.tsx', 'package-lock.json'])(
    'builds again when %s is newer',
    (file) => {
      write('dist/main.js', 2);
      write('dashboard/dist/index.html', 2);
      write(file, 3);
      expect(builds()).toBe(true);
    },
  );

  it('builds again when only the dashboard is missing', () => {
    write('dist/main.js', 2);
    expect(builds()).toBe(true);
  });

  it('fails when the build fails', () => {
    write('build.cjs', 1, 'process.exit(3)');
    expect(spawnSync(process.execPath, [SCRIPT], { cwd: folder }).status).toBe(3);
  });
});
