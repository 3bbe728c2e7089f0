import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { freePort } from './server-process.js';

const PUBLIC_URL = 'https://watchlist.example.com';
const SETTINGS = { PUBLIC_URL, MAIL_FROM: 'Watchlist <no-reply@example.com>' };

/** Of a server that has one, and never reaches it. */
export const DEAD_MAIL_SERVER = { ...SETTINGS, SMTP_URL: 'smtp://127.0.0.1:9' };

/** The token of a link that sets a password. */
export const tokenIn = (link: string) => /#token=([\w-]{22}\.[\w-]{43})(?![\w-])/.exec(link)![1]!;

export interface ReceivedMail extends ParsedMail {
  /** As it came. */
  readonly source: string;
  readonly recipients: readonly string[];
}

interface MailServerOptions {
  /** Of one that was closed, to be back in its place; a free one when left out. */
  readonly port?: number;
  /** Who alone may send. */
  readonly account?: { readonly user: string; readonly password: string };
  /** Whether it offers to encrypt, with a certificate that nobody knows. */
  readonly hasTls?: boolean;
}

/** A real SMTP server, on 127.0.0.1. */
export class MailServer {
  /** All that it has taken. */
  readonly mails: ReceivedMail[] = [];
  /** How often somebody has begun. */
  connections = 0;
  /** Whoever has signed in, with the right password or not. */
  readonly accounts: string[] = [];
  private refuse: { code: number; message: string } | undefined;
  private hangs = false;
  private readonly server: SMTPServer;

  private constructor(private readonly options: MailServerOptions) {
    const { account, hasTls = false } = options;
    this.server = new SMTPServer({
      authOptional: account === undefined,
      disabledCommands: hasTls ? [] : ['STARTTLS'],
      allowInsecureAuth: true,
      logger: false,
      onConnect: (_session, done) => {
        this.connections++;
        if (!this.hangs) done();
      },
      onAuth: ({ username, password }, _session, done) => {
        this.accounts.push(`${username}`);
        if (username === account?.user && password === account?.password) done(null, { user: username });
        else done(new Error('who?'));
      },
      onRcptTo: ({ address }, _session, done) => {
        if (this.refuse === undefined) done();
        else
          done(
            Object.assign(new Error(`<${address}> ${this.refuse.message}`), {
              responseCode: this.refuse.code,
            }),
          );
      },
      onData: (stream, { envelope }, done) => {
        void (async () => {
          const source = await buffer(stream);
          const recipients = envelope.rcptTo.map(({ address }) => address);
          this.mails.push({
            ...(await simpleParser(source)),
            source: source.toString(),
            recipients,
          });
          done();
        })();
      },
    });
    // Who goes away in the middle.
    this.server.on('error', () => undefined);
  }

  static async start(options: MailServerOptions = {}): Promise<MailServer> {
    const mailServer = new MailServer(options);
    await new Promise<void>((resolve) =>
      mailServer.server.listen(options.port ?? 0, '127.0.0.1', () => resolve()),
    );
    return mailServer;
  }

  /** Where one will be that is not there yet. */
  static async place(): Promise<{ port: number; env: Record<string, string> }> {
    const port = await freePort();
    return { port, env: { ...SETTINGS, SMTP_URL: `smtp://127.0.0.1:${port}` } };
  }

  get port(): number {
    return (this.server.server.address() as AddressInfo).port;
  }

  /** What points the server here. */
  get env(): Record<string, string> {
    const { account } = this.options;
    const credentials = account
      ? `${encodeURIComponent(account.user)}:${encodeURIComponent(account.password)}@`
      : '';
    return { ...SETTINGS, SMTP_URL: `smtp://${credentials}127.0.0.1:${this.port}` };
  }

  mailsTo(email: string): ReceivedMail[] {
    return this.mails.filter(({ recipients }) => recipients.includes(email));
  }

  /** From now on every recipient is answered so; undefined: taken. */
  answer(refuse: { code: number; message: string } | undefined): void {
    this.refuse = refuse;
  }

  /** Does not greet those who connect from now on. */
  hang(): void {
    this.hangs = true;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
