// Writes a .br and a .gz file next to each built file that becomes smaller. The server sends them to browsers that accept them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const FOLDER = join(import.meta.dirname, 'dist');

for (const name of readdirSync(FOLDER, { recursive: true }).filter((file) =>
  /\.(css|html|js|svg)$/.test(file),
)) {
  const path = join(FOLDER, name);
  const content = readFileSync(path);
  for (const [ending, compressed] of [
    ['br', brotliCompressSync(content)],
    ['gz', gzipSync(content, { level: 9 })],
  ])
    if (compressed.length < content.length) writeFileSync(`${path}.${ending}`, compressed);
}
