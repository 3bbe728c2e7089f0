import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream, lstatSync, rmSync } from 'node:fs';
import { copyFile, type FileHandle, link, open, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackupError } from './backup-error.js';

/**
 * A backup is one file: a SQLite database, or a script for psql, and behind either this one line. Both programs can read
 * the file as it is: the one does not look behind its last page, to the other the line is a comment. Without the line a
 * file is not whole.
 */
const FORMAT = 1;
const SEAL = /\n-- watchlist-api backup (\d{1,9}) (\S{24}) sha256 ([0-9a-f]{64})\n$/;
const MAXIMUM_SEAL = 200;
const PRIVATE = 0o600;

/** A file that was found whole and unaltered. */
export interface Backup {
  readonly file: string;
  /** Bytes without the seal. */
  readonly size: number;
  /** It holds every write that was acknowledged before, an ISO 8601 time. */
  readonly takenAt: string;
  readonly kind: 'sqlite' | 'postgres';
}

/**
 * Creates `file` (0600) with what `fill` writes into an empty draft beside it, and the seal; all of it, on the disk, or
 * nothing.
 *
 * @returns its size in bytes
 * @throws BackupError when there is such a file
 */
export async function createBackup(file: string, fill: (draft: string) => Promise<void>): Promise<number> {
  // Before there is anything to do. A link that leads nowhere is there as well.
  if (lstatSync(file, { throwIfNoEntry: false })) throw isThere(file);
  return withDraft(file, async (draft) => {
    const takenAt = new Date().toISOString();
    await fill(draft);
    const size = await seal(draft, takenAt);
    await name(draft, file);
    await unlink(draft);
    await syncFolder(file);
    return size;
  });
}

const isThere = (file: string) => new BackupError(`${file} is there already and is not overwritten`);

/** Not by renaming, which would replace what has been put there in the meantime. */
async function name(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error;
      // Not every file system has hard links.
      await copyFile(draft, file, constants.COPYFILE_EXCL);
      await withFile(file, 'r+', (handle) => handle.sync());
    });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? isThere(file) : error;
  }
}

/** Whatever becomes of `work`, the draft is gone afterwards; also when a signal ends the process. */
export async function withDraft<T>(file: string, work: (draft: string) => Promise<T>): Promise<T> {
  const draft = `${file}.${randomBytes(6).toString('hex')}.draft`;
  const remove = () => rmSync(draft, { force: true });
  process.once('exit', remove);
  try {
    await (await open(draft, 'wx', PRIVATE)).close();
    return await work(draft);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** What was named is so after a power failure too. */
export async function syncFolder(file: string): Promise<void> {
  // Windows has no such thing.
  if (process.platform === 'win32') return;
  await withFile(dirname(file), 'r', (folder) => folder.sync());
}

/** @throws BackupError for anything that is not a whole and unaltered backup of this server */
export async function openBackup(file: string): Promise<Backup> {
  const { head, tail, length } = await endsOf(file);
  const found = SEAL.exec(tail);
  if (found === null)
    throw new BackupError(`${file} is no backup of this server, or not all of it: its last line is missing`);
  const [line, format, takenAt, sum] = found as unknown as [string, string, string, string];
  if (Number(format) > FORMAT) throw new BackupError(`${file} was made by a newer version of this server`);
  const size = length - line.length;
  if ((await digest(file, size, openLine(takenAt, format))) !== sum)
    throw new BackupError(
      `${file} is damaged or has been altered: it does not have the checksum that it states`,
    );
  return { file, size, takenAt, kind: head.startsWith('SQLite format 3\0') ? 'sqlite' : 'postgres' };
}

const openLine = (takenAt: string, format: number | string = FORMAT) =>
  `\n-- watchlist-api backup ${format} ${takenAt} sha256 `;

async function seal(file: string, takenAt: string): Promise<number> {
  return withFile(file, 'r+', async (handle) => {
    const { size } = await handle.stat();
    const line = openLine(takenAt);
    const whole = Buffer.from(`${line}${await digest(file, size, line)}\n`);
    await handle.write(whole, 0, whole.length, size);
    await handle.sync();
    return size + whole.length;
  });
}

/** Of the file's first `size` bytes, and of what the seal says besides. */
async function digest(file: string, size: number, line: string): Promise<string> {
  const hash = createHash('sha256');
  // `end` is the last byte that is read, and 0 would be the first one.
  if (size > 0)
    for await (const chunk of createReadStream(file, { end: size - 1 })) hash.update(chunk as Buffer);
  return hash.update(line).digest('hex');
}

async function endsOf(file: string): Promise<{ head: string; tail: string; length: number }> {
  // To open a pipe is to wait for its writer, which not even a signal ends.
  if (!(await stat(file)).isFile()) throw new BackupError(`${file} is not a regular file`);
  return withFile(file, 'r', async (handle) => {
    const { size } = await handle.stat();
    const read = async (position: number, length: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
      return buffer.toString('latin1', 0, bytesRead);
    };
    return {
      head: await read(0, 16),
      tail: await read(Math.max(0, size - MAXIMUM_SEAL), MAXIMUM_SEAL),
      length: size,
    };
  });
}

async function withFile<T>(
  file: string,
  flags: string,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open(file, flags);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}
