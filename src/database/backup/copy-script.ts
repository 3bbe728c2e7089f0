import { BackupError } from './backup-error.js';

const NEW_LINE = 0x0a;
const END = Buffer.from('\\.\n');
const END_AFTER_A_ROW = Buffer.from('\n\\.\n');

/** Reads a script for psql that consists of `COPY … FROM stdin;` with its rows and comments. Holds one chunk at a time. */
export class CopyScript {
  private readonly chunks: AsyncIterator<Buffer>;
  /** What has been read of the file and not been given out; begins at the beginning of a line. */
  private rest: Buffer = Buffer.alloc(0);

  constructor(file: AsyncIterable<Buffer>) {
    this.chunks = file[Symbol.asyncIterator]();
  }

  /** The next line that is not empty; null at the end. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.rest.indexOf(NEW_LINE);
      if (end > 0) {
        const line = this.rest.toString('utf8', 0, end);
        this.rest = this.rest.subarray(end + 1);
        return line;
      }
      if (end === 0) this.rest = this.rest.subarray(1);
      else if (!(await this.readOn())) return null;
    }
  }

  /** The rows up to their end, as PostgreSQL wants to have them back. */
  async *rows(): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.rest.subarray(0, END.length).equals(END)) {
        this.rest = this.rest.subarray(END.length);
        return;
      }
      const end = this.rest.indexOf(END_AFTER_A_ROW);
      const complete = (end === -1 ? this.rest.lastIndexOf(NEW_LINE) : end) + 1;
      if (complete > 0) {
        yield this.rest.subarray(0, complete);
        this.rest = this.rest.subarray(complete);
      } else if (!(await this.readOn())) throw new BackupError('the backup ends in the middle of a table');
    }
  }

  private async readOn(): Promise<boolean> {
    const { value, done } = await this.chunks.next();
    if (done === true) return false;
    this.rest = Buffer.concat([this.rest, value]);
    return true;
  }
}
