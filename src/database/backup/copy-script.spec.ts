import fc from 'fast-check';
import { BackupError } from './backup-error.js';
import { CopyScript } from './copy-script.js';

/** The text in pieces that end anywhere. */
async function* inPieces(text: string, ...ends: number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  let begin = 0;
  for (const end of [...ends.sort((a, b) => a - b), bytes.length]) {
    if (end <= begin || end > bytes.length) continue;
    yield bytes.subarray(begin, end);
    begin = end;
  }
}

/** Each line, followed by the rows behind it. */
async function read(pieces: AsyncIterable<Buffer>): Promise<[string, string][]> {
  const script = new CopyScript(pieces);
  const found: [string, string][] = [];
  for (let line = await script.line(); line !== null; line = await script.line()) {
    const rows: Buffer[] = [];
    if (line.startsWith('COPY')) for await (const chunk of script.rows()) rows.push(chunk);
    found.push([line, Buffer.concat(rows).toString()]);
  }
  return found;
}

describe(CopyScript.name, () => {
  /** As PostgreSQL writes it: a backslash in a value is two. */
  const row = fc
    .string({ unit: fc.constantFrom('a', 'ß', '🎬', '.', '\\\\', '\\n', '\t', '-', ' ') })
    .map((text) => `${text}\n`);
  const table = fc.array(row).map((rows) => rows.join(''));

  it('finds every table with its rows, wherever the file is cut into pieces', async () => {
    const tables = fc.array(table, { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(tables, fc.array(fc.nat(300)), async (contents, ends) => {
        const text = contents.map((rows, n) => `COPY ${n}\n${rows}\\.\n\n`).join('');
        const found = await read(inPieces(`-- head\n${text}`, ...ends));
        expect(found).toEqual([['-- head', ''], ...contents.map((rows, n) => [`COPY ${n}`, rows])]);
      }),
    );
  });

  it('notices an end that comes too early', async () => {
    await expect(read(inPieces('COPY users\n1\tada\n'))).rejects.toThrow(BackupError);
    await expect(read(inPieces('COPY users\n1\tada\n\\.'))).rejects.toThrow(BackupError);
    await expect(read(inPieces('COPY users\n'))).rejects.toThrow(BackupError);
  });
});
