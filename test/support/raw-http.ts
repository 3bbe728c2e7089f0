import { connect, type Socket } from 'node:net';

/** How long the server may take before the test gives up on it. */
const DEADLINE_MS = 15_000;
/** On a connection of many, the server may have all the others' requests to answer first. */
const SHARED_DEADLINE_MS = 60_000;

/** As much of supertest's response as the expectations look at. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Parsed when it is JSON, the text otherwise, `undefined` when there is none. */
  readonly body: unknown;
}

/** With its body as it came, too. */
export interface RawAnswer extends RawResponse {
  readonly text: string;
}

export interface RawRequest {
  readonly method?: string;
  /** Sent as it is: nothing is encoded or tidied up. */
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** Sent with its length unless the headers say how long it is. */
  readonly body?: string | Buffer;
}

/** The bytes of a request that is well-formed unless its parts are not. */
export function bytesOf({ method = 'GET', path = '/', headers = {}, body }: RawRequest): Buffer {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const all = {
    ...(!names.includes('host') && { host: 'localhost' }),
    ...headers,
    ...(body !== undefined &&
      !names.includes('content-length') &&
      !names.includes('transfer-encoding') && { 'content-length': String(Buffer.byteLength(body)) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'),
    Buffer.from(body ?? ''),
  ]);
}

/** One request, written by hand, and its answer. */
export function rawRequest(url: string, request: RawRequest): Promise<RawResponse> {
  return sendRaw(url, bytesOf(request));
}

/** A body in chunks, so that its length is not known beforehand. */
export function chunked(...parts: (string | Buffer)[]): Buffer {
  const chunks = parts.map((part) =>
    Buffer.concat([
      Buffer.from(`${Buffer.byteLength(part).toString(16)}\r\n`),
      Buffer.from(part),
      Buffer.from('\r\n'),
    ]),
  );
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

/** Sends exactly these bytes and waits for the first final answer; the connection stays half used and is dropped. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<RawResponse> {
  const [first] = await converse(url, bytes, (answers) => answers.length > 0);
  if (first === undefined) throw new Error('the connection was closed without an answer');
  return first;
}

/** Sends exactly these bytes and reads until the server closes the connection. */
export function sendRawUntilClosed(url: string, bytes: string | Buffer): Promise<RawResponse[]> {
  return converse(url, bytes, () => false);
}

function converse(
  url: string,
  bytes: string | Buffer,
  isEnough: (answers: RawResponse[]) => boolean,
): Promise<RawResponse[]> {
  const { hostname, port } = new URL(url);
  const hasNoBody = isHead(bytes);
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    const deadline = setTimeout(() => finish(new Error('no answer in time')), DEADLINE_MS);
    let received = Buffer.alloc(0);
    const finish = (error?: Error) => {
      clearTimeout(deadline);
      socket.destroy();
      if (error) reject(error);
      else resolve(parseAnswers(received, hasNoBody));
    };
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (isEnough(parseAnswers(received, hasNoBody))) finish();
    });
    socket.on('end', () => finish());
    // The server has answered and cut a connection on which we were still sending.
    socket.on('error', (error) => finish(received.length > 0 ? undefined : error));
  });
}

/** One connection at a time, used for one request after another for as long as the server keeps it open. */
export class RawConnection {
  private socket: Socket | undefined;

  constructor(private readonly url: string) {}

  /** Sends exactly these bytes. Rejects when there is no answer, or more than the one. */
  async send(bytes: Buffer): Promise<RawAnswer> {
    const isUsed = this.socket !== undefined;
    const socket = (this.socket ??= await this.connect());
    const received = await this.exchange(socket, bytes, isUsed);
    // A server may close an idle connection at the moment at which a request sets out.
    if (received.length === 0 && isUsed) return this.send(bytes);
    const answer = parseAnswer(received, 0, isHead(bytes));
    if (answer === undefined) throw new Error(`no complete answer, but ${JSON.stringify(String(received))}`);
    if (answer.headers['connection'] === 'close') this.close();
    else if (answer.end < received.length) throw new Error(`more than an answer: ${String(received)}`);
    return answer;
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private connect(): Promise<Socket> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () => {
        socket.off('error', reject);
        resolve(socket);
      });
      socket.once('error', reject);
    });
  }

  /** What came until there was a whole answer, or the connection was over. */
  private exchange(socket: Socket, bytes: Buffer, isUsed: boolean): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const deadline = setTimeout(() => finish(new Error('no answer in time')), SHARED_DEADLINE_MS);
      const finish = (error?: Error) => {
        clearTimeout(deadline);
        socket.removeAllListeners();
        // Until the next request: a connection that ends meanwhile is found out then.
        socket.on('error', () => undefined);
        if (error) reject(error);
        else resolve(received);
      };
      const onEnd = (error?: Error) => {
        this.close();
        finish(received.length > 0 || isUsed ? undefined : (error ?? new Error('closed without an answer')));
      };
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (parseAnswer(received, 0, isHead(bytes)) !== undefined) finish();
      });
      socket.on('end', () => onEnd());
      socket.on('close', () => onEnd());
      socket.on('error', onEnd);
      socket.write(bytes);
    });
  }
}

const isHead = (bytes: string | Buffer) => String(bytes.slice(0, 5)) === 'HEAD ';

/** The complete answers in `bytes`, interim ones (1xx) left out. */
function parseAnswers(bytes: Buffer, hasNoBody: boolean): RawResponse[] {
  const answers: RawResponse[] = [];
  for (let start = 0; ;) {
    const answer = parseAnswer(bytes, start, hasNoBody);
    if (answer === undefined) return answers;
    const { status, headers, body, end } = answer;
    answers.push({ status, headers, body });
    start = end;
  }
}

/** The first complete one from there on; `end` is where what follows it begins. */
function parseAnswer(
  bytes: Buffer,
  start: number,
  hasNoBody: boolean,
): (RawAnswer & { readonly end: number }) | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n', start);
  if (headEnd === -1) return undefined;
  const [statusLine, ...lines] = bytes.subarray(start, headEnd).toString('latin1').split('\r\n');
  const status = Number(statusLine!.split(' ')[1]);
  if (status < 200) return parseAnswer(bytes, headEnd + 4, hasNoBody);
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const bodyStart = headEnd + 4;
  const end = bodyStart + (hasNoBody ? 0 : Number(headers['content-length'] ?? 0));
  if (bytes.length < end) return undefined;
  const text = bytes.subarray(bodyStart, end).toString();
  return { status, headers, body: parseBody(headers['content-type'], text), text, end };
}

function parseBody(type: string | undefined, text: string): unknown {
  if (text === '') return undefined;
  return type?.includes('json') ? JSON.parse(text) : text;
}
