import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const FILE = 'clients/typescript/src/schema.ts';

describe("the client's schema.ts", () => {
  it('is what is generated from openapi.json (npm run generate writes it anew)', async () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const [program, ...args] = scripts['generate']!.split(' ');
    // The same, but for where it goes: to standard output.
    const output = args.splice(args.indexOf('--output'), 2);
    expect([program, ...output]).toEqual(['openapi-typescript', '--output', FILE]);
    const cli = join(ROOT, 'node_modules/openapi-typescript/bin/cli.js');
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], {
      cwd: ROOT,
      maxBuffer: 16 * 1024 * 1024,
    });
    expect(stdout).toContain('export interface paths');
    expect(read(FILE)).toBe(stdout);
  });
});
