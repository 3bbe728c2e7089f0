import { Writable } from 'node:stream';
import { openStdout } from './stdout.js';

const MIB = 1024 * 1024;
const LINE = `${'x'.repeat(1023)}\n`;

describe(openStdout.name, () => {
  let before: NodeJS.ExitListener[];
  beforeEach(() => (before = process.listeners('exit')));
  afterEach(() => {
    for (const listener of process.listeners('exit'))
      if (!before.includes(listener)) process.off('exit', listener);
  });

  it('keeps about 1 MiB waiting when the reader stops, and drops the lines that come then', () => {
    const stuck = new Writable({ write: () => undefined });
    const { write } = openStdout(stuck);
    for (let n = 0; n < 5 * 1024; n++) write(LINE);
    expect(stuck.writableLength).toBeGreaterThan(0.9 * MIB);
    expect(stuck.writableLength).toBeLessThan(1.1 * MIB);
  });
});
